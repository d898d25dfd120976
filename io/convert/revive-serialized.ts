import { SnapshotError } from "../../snapshot/index.js";
import { define } from "../../snapshot/own-properties.js";

/** What the serialized form makes doubtful. */
export interface SerializedDoubts {
  /** An object without properties: also what becomes of a Blob, File, DataView and other objects of the platform. */
  readonly onEmptyObject: () => void;
  /** A Date without a time. */
  readonly onInvalidDate: () => void;
}

const maxDepth = 2000;

type Tagged = Readonly<Record<string, unknown>>;

/**
 * A value as Playwright serializes it in `valueEncoded` and `keyEncoded`: primitives as they are, everything else an object whose property tells the type. Better than
 * what it reads itself: an invalid Date stays invalid, and an own `__proto__` is a property.
 * @throws SnapshotError CONVERT_INVALID
 */
export function reviveSerialized(json: unknown, doubts: SerializedDoubts): unknown {
  return new Reviver(doubts).build(json, 0);
}

class Reviver {
  private readonly doubts: SerializedDoubts;
  private readonly byId = new Map<unknown, object>();

  constructor(doubts: SerializedDoubts) {
    this.doubts = doubts;
  }

  build(json: unknown, depth: number): unknown {
    if (depth > maxDepth) throw invalid(`a value nested over ${maxDepth} levels`);
    if (typeof json !== "object" || json === null) return json;
    const tagged = json as Tagged;
    const has = (name: string) => Object.hasOwn(tagged, name);
    if (has("ref")) return this.reference(tagged.ref);
    if (has("v")) return special(tagged.v);
    if (has("a")) return this.array(tagged, depth);
    if (has("o")) return this.object(tagged, depth);
    if (has("m")) return this.map(tagged, depth);
    if (has("s")) return this.set(tagged, depth);
    return this.leaf(tagged, has);
  }

  private reference(id: unknown): object {
    const object = this.byId.get(id);
    if (!object) throw invalid("a reference to an object that did not come before");
    return object;
  }

  private register<T extends object>({ id }: Tagged, object: T): T {
    this.byId.set(id, object);
    return object;
  }

  private array(tagged: Tagged, depth: number): unknown[] {
    const array: unknown[] = this.register(tagged, []);
    for (const item of listOf(tagged.a)) array.push(this.build(item, depth + 1));
    return array;
  }

  private object(tagged: Tagged, depth: number): object {
    const object = this.register(tagged, {});
    const entries = listOf(tagged.o);
    if (entries.length === 0) this.doubts.onEmptyObject();
    for (const entry of entries) {
      const { k, v } = plainOf(entry);
      define(object, textOf(k), this.build(v, depth + 1));
    }
    return object;
  }

  private map(tagged: Tagged, depth: number): Map<unknown, unknown> {
    const map = this.register(tagged, new Map<unknown, unknown>());
    for (const entry of listOf(tagged.m)) {
      const { k, v } = plainOf(entry);
      map.set(this.build(k, depth + 1), this.build(v, depth + 1));
    }
    return map;
  }

  private set(tagged: Tagged, depth: number): Set<unknown> {
    const set = this.register(tagged, new Set<unknown>());
    for (const item of listOf(tagged.s)) set.add(this.build(item, depth + 1));
    return set;
  }

  private leaf(tagged: Tagged, has: (name: string) => boolean): unknown {
    if (has("d")) return this.date(tagged.d);
    if (has("bi")) return bigintOf(tagged.bi);
    if (has("u")) return textOf(tagged.u);
    if (has("e")) return errorOf(plainOf(tagged.e));
    if (has("r")) return regexpOf(plainOf(tagged.r));
    if (has("ta")) return viewOf(plainOf(tagged.ta));
    if (has("ab")) return bytesOf(plainOf(tagged.ab).b).buffer;
    throw invalid("a value of a type that is not known");
  }

  private date(text: unknown): Date {
    if (text !== null) {
      const time = Date.parse(textOf(text));
      if (Number.isNaN(time)) throw invalid("a Date that is none");
      return new Date(time);
    }
    this.doubts.onInvalidDate();
    return new Date(NaN);
  }
}

const specials = new Map<unknown, unknown>([
  ["undefined", undefined],
  ["null", null],
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["-0", -0],
]);

function special(name: unknown): unknown {
  if (!specials.has(name)) throw invalid("a value of a type that is not known");
  return specials.get(name);
}

type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView;
const views = new Map<unknown, ViewConstructor>([
  ["i8", Int8Array],
  ["ui8", Uint8Array],
  ["ui8c", Uint8ClampedArray],
  ["i16", Int16Array],
  ["ui16", Uint16Array],
  ["i32", Int32Array],
  ["ui32", Uint32Array],
  ["f32", Float32Array],
  ["f64", Float64Array],
  ["bi64", BigInt64Array],
  ["bui64", BigUint64Array],
]);

function viewOf({ b, k }: Tagged): ArrayBufferView {
  const View = views.get(k);
  if (!View) throw invalid("a typed array of a kind that is not known");
  try {
    return new View(bytesOf(b).buffer);
  } catch (cause) {
    if (cause instanceof SnapshotError) throw cause;
    throw invalid("a typed array with a part of an element");
  }
}

const errors: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

function errorOf({ n, m, s }: Tagged): Error {
  const name = textOf(n);
  const Constructor = Object.hasOwn(errors, name) ? errors[name]! : Error;
  const error = new Constructor(textOf(m));
  define(error, "stack", textOf(s), false);
  return error;
}

function regexpOf({ p, f }: Tagged): RegExp {
  try {
    return new RegExp(textOf(p), textOf(f));
  } catch (cause) {
    if (cause instanceof SnapshotError) throw cause;
    throw invalid("a regular expression that is none");
  }
}

function bigintOf(part: unknown): bigint {
  const text = textOf(part);
  if (!/^-?\d+$/.test(text)) throw invalid("a bigint that is no number");
  return BigInt(text);
}

function bytesOf(part: unknown): Uint8Array<ArrayBuffer> {
  const text = textOf(part);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw invalid("binary data that is no base64");
  return new Uint8Array(Buffer.from(text, "base64"));
}

function textOf(part: unknown): string {
  if (typeof part !== "string") throw invalid("something else where there is text");
  return part;
}

function listOf(part: unknown): readonly unknown[] {
  if (!Array.isArray(part)) throw invalid("something else where there is a list");
  return part;
}

function plainOf(part: unknown): Tagged {
  if (typeof part !== "object" || part === null) throw invalid("something else where there is an object");
  return part as Tagged;
}

function invalid(what: string): SnapshotError {
  return new SnapshotError(
    "CONVERT_INVALID",
    `The file holds ${what}. It was altered, or not written by Playwright.`,
  );
}
