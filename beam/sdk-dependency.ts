/** Packages that the SDK itself uses, as it sees them: which copy and where it lies is the SDK's business, not this package's. */
import "./node-compatibility.js";
import { createRequire } from "node:module";
import { type Coder } from "apache-beam/coders/coders";

const fromHere = createRequire(import.meta.url);
const fromSdk = createRequire(fromHere.resolve("apache-beam"));

/** How the SDK turns functions into text and back. */
export interface ClosureGraph {
  readonly contentArray: unknown[];
  readonly indexMap: { element: unknown; index: number }[];
  add(value: unknown, flags?: { accessor?: "get" | "set" }): number;
  serialize(value: unknown, flags?: { accessor?: "get" | "set" }): unknown;
  serializeFunction(value: unknown): unknown;
  serializeProperties(value: unknown, into: object): void;
}

interface SerializeModule {
  default: (value: unknown, builtins?: unknown, customs?: unknown) => unknown;
}
interface DeserializeModule {
  default: (
    graph: unknown,
    builtins?: unknown,
    customs?: readonly { name: string; deserializer(value: unknown): unknown }[],
  ) => unknown;
}

export const { defaultBuiltins } = fromSdk("serialize-closures") as {
  readonly defaultBuiltins: readonly { readonly name: string; readonly builtin: unknown }[];
};
const closures = fromSdk.resolve("serialize-closures");
const besideClosures = createRequire(closures);
export const serializeModule = besideClosures("./serialize") as SerializeModule;
export const deserializeModule = besideClosures("./deserialize") as DeserializeModule;
export const { SerializedGraph } = besideClosures("./serializedGraph") as {
  readonly SerializedGraph: { readonly prototype: ClosureGraph };
};

/** The SDK's own copy of protobufjs, whose readers and writers its coders work on. */
export const { Reader: ProtobufReader, Writer: ProtobufWriter } = fromSdk("protobufjs") as {
  readonly Reader: new (bytes: Uint8Array) => Parameters<Coder<unknown>["decode"]>[0];
  readonly Writer: new () => Parameters<Coder<unknown>["encode"]>[1];
};
