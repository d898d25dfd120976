/**
 * How functions and the data beside them travel, in the place of what the SDK does with data: a Map would arrive empty, NaN as null, a
 * Uint8Array as a plain object, names that start with "__" not at all. Here data travels as bytes of the element codec; functions keep the
 * SDK's form. Methods written in their short form, which the SDK sends as text that is no expression, travel, too.
 */
import "./node-compatibility.js";
import { PCollection } from "apache-beam";
import { SnapshotError } from "../snapshot/index.js";
import { decodeElement, encodeElement } from "./element-codec.js";
import { checkPortable, compilerHelpers, type PortableFunction, sourceOf } from "./function-check.js";
import { isPlainData } from "./plain-data.js";
import { isRegistered, registerFunctions } from "./registered.js";
import { type ClosureGraph, deserializeModule, SerializedGraph, serializeModule } from "./sdk-dependency.js";

const dataName = "beam-indexeddb:data";

/** Stands for the helper with which esbuild keeps the names of functions. */
function keepName<T extends object>(target: T, name: string): T {
  return Object.defineProperty(target, "name", { value: name, configurable: true });
}

registerFunctions("beam-indexeddb/beam", { keepName });
const helperValues: Readonly<Record<string, unknown>> = { __name: keepName };

const stockSerialize = serializeModule.default;
serializeModule.default = (value, builtins, customs) => {
  checkPortable(value);
  return stockSerialize(value, builtins, customs);
};

const stockDeserialize = deserializeModule.default;
const dataReader = {
  name: dataName,
  deserializer: (text: unknown): unknown =>
    decodeElement(new Uint8Array(Buffer.from(text as string, "base64"))),
};
deserializeModule.default = (graph, builtins, customs = []) => {
  try {
    return stockDeserialize(graph, builtins, [...customs, dataReader]);
  } catch (cause) {
    throw notLoaded(cause) ?? cause;
  }
};

/** What a worker misses that has not imported a module of the pipeline. */
function notLoaded(cause: unknown): SnapshotError | undefined {
  const found = /^Cannot deserialize unknown builtin 'beam:(.+)\.([^.]+)\.(?:self|prototype)'/.exec(
    cause instanceof Error ? cause.message : "",
  );
  if (!found) return undefined;
  return new SnapshotError(
    "RUNNER_MODULE_NOT_FOUND",
    `A step uses ${found[2]!}, registered under ${JSON.stringify(found[1]!)}, which this worker has not imported. Name the module with workerModules (--workerModules of a worker pool).`,
    { cause },
  );
}

const graph = SerializedGraph.prototype;
/* eslint-disable @typescript-eslint/unbound-method -- called with their own receivers below */
const stockAdd = graph.add;
const stockNode = graph.serialize;
const stockFunction = graph.serializeFunction;
/* eslint-enable @typescript-eslint/unbound-method */

graph.add = function (this: ClosureGraph, value, flags) {
  // The graph finds known values by ===, for which -0 is 0.
  if (!Object.is(value, -0)) return stockAdd.call(this, value, flags);
  return this.contentArray.push(this.serialize(value)) - 1;
};

graph.serialize = function (this: ClosureGraph, value, flags) {
  // A side input's description holds its PCollection, and with it the whole pipeline; nothing on a worker reads it.
  if (value instanceof PCollection) return { kind: "primitive" };
  if (!needsCodec(value)) return stockNode.call(this, value, flags);
  return { kind: "custom", name: dataName, value: Buffer.from(encodeElement(value)).toString("base64") };
};

graph.serializeFunction = function (this: ClosureGraph, value) {
  const fn = value as PortableFunction;
  const original = fn.__impl ?? fn;
  const source = sourceOf(original);
  if (!source) return stockFunction.call(this, value);
  const closure = { ...original.__closure?.() };
  for (const name of source.free) {
    if (compilerHelpers.has(name) && !(name in closure)) closure[name] = helperValues[name];
  }
  const node = {
    kind: "function",
    source: source.expression,
    closure: addClosure(this, closure),
    prototype: this.add((original as { prototype?: unknown }).prototype),
  };
  this.serializeProperties(original, node);
  return node;
};

/**
 * The captured variables of one function. They are not data of their own, so what they hold keeps its identity across functions; and the
 * SDK's own way would leave out names that start with "__".
 */
function addClosure(graph: ClosureGraph, closure: Readonly<Record<string, unknown>>): number {
  const names = Object.keys(closure);
  if (names.length === 0) return graph.add(undefined);
  const node = {
    kind: "object",
    prototype: graph.add(Object.prototype),
    refs: {} as Record<string, number>,
    descriptions: {},
  };
  const index = graph.contentArray.push(node) - 1;
  for (const name of names) node.refs[name] = graph.add(closure[name]);
  return index;
}

function needsCodec(value: unknown): boolean {
  switch (typeof value) {
    case "number":
      return !Number.isFinite(value) || Object.is(value, -0);
    case "string":
      // The SDK's mark of a BigInt.
      return value.startsWith(":bigint:");
    case "bigint":
      return true;
    case "object":
      return value !== null && !isRegistered(value) && isPlainData(value);
    default:
      return false;
  }
}
