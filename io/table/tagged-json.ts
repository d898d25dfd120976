import { HostObject, SnapshotBlob, SnapshotError, UnsupportedView } from "../../snapshot/index.js";
import { isPlainObject } from "./value-kind.js";

/**
 * Every value that IndexedDB can hold as JSON text, exactly: what JSON has is written as JSON, what it lacks as an object with one
 * property whose name starts with `$`. `fromTaggedJson` reads it back.
 *
 * | value | form |
 * |---|---|
 * | undefined | `{"$undefined":true}` |
 * | NaN, Infinity, -Infinity, -0 | `{"$number":"NaN"}` |
 * | BigInt | `{"$bigint":"123"}` |
 * | Date, invalid Date | `{"$date":"2024-05-01T10:00:00.000Z"}`, `{"$date":null}` |
 * | RegExp | `{"$regexp":["source","flags"]}` |
 * | Map, Set | `{"$map":[[key,value]]}`, `{"$set":[value]}` |
 * | ArrayBuffer, a view of a whole buffer | `{"$binary":{"type":"Uint8Array","base64":"AQI="}}` |
 * | a view of a part of a buffer, or of a shared one | `{"$view":{"type":"Uint8Array","byteOffset":4,"length":2,"buffer":...}}` |
 * | Boolean, Number, String, BigInt object | `{"$boxed":true}` |
 * | Error | `{"$error":{"name":"RangeError","message":"...","stack":"...","cause":...}}` |
 * | Blob, File (the content stays in the snapshot) | `{"$blob":{"sha256":"...","size":3,"type":"image/png","name":"..."}}` |
 * | another platform object | `{"$host":{"type":"...","data":...}}` |
 * | an array with holes or further properties | `{"$array":{"length":5,"entries":[[3,"x"]]}}` |
 * | an object with a property that starts with `$` | `{"$object":{...}}` |
 * | an object, array, Map, Set or buffer that occurred before | `{"$ref":["path","to",0]}`: steps through this JSON, from the record |
 *
 * Not kept: whether a buffer can be resized.
 */
export interface TaggedJsonPlace {
  /** Containers met so far in this record, with the way to each. Shared by all columns of a record. */
  readonly seen: Map<object, Step | undefined>;
  readonly step: Step | undefined;
}

interface Step {
  readonly parent: Step | undefined;
  readonly name: string | number;
}

/** JSON nested deeper than this is refused: the functions that databases have for JSON end at about 1000, and writing it is recursive. */
export const maxJsonDepth = 500;

/** Where the columns of a record stand: references between columns, and to the record itself, are written from its root. */
export function recordPlace(value: object): TaggedJsonPlace {
  return { seen: new Map([[value, undefined]]), step: undefined };
}

export function fieldPlace(record: TaggedJsonPlace, field: string): TaggedJsonPlace {
  return { seen: record.seen, step: { parent: record.step, name: field } };
}

/**
 * The value as tagged JSON.
 * @throws SnapshotError SNAPSHOT_LIMIT_EXCEEDED for values nested deeper than `maxJsonDepth`.
 * @example toTaggedJson(new Map([["a", 1n]])); // {"$map":[["a",{"$bigint":"1"}]]}
 */
export function toTaggedJson(
  value: unknown,
  place: TaggedJsonPlace = { seen: new Map(), step: undefined },
): string {
  return write(value, place.step, 0, place.seen);
}

type Seen = TaggedJsonPlace["seen"];

function write(value: unknown, step: Step | undefined, depth: number, seen: Seen): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      return writeNumber(value);
    case "bigint":
      return `{"$bigint":"${value}"}`;
    case "undefined":
      return `{"$undefined":true}`;
    case "object":
      return value === null ? "null" : writeObject(value, step, depth, seen);
    default:
      throw new SnapshotError(
        "SNAPSHOT_VALUE_UNSUPPORTED",
        `A ${typeof value} cannot be stored in IndexedDB, so it cannot be in a record.`,
      );
  }
}

function writeNumber(value: number): string {
  if (Object.is(value, -0)) return `{"$number":"-0"}`;
  return Number.isFinite(value) ? String(value) : `{"$number":"${value}"}`;
}

function writeObject(value: object, step: Step | undefined, depth: number, seen: Seen): string {
  if (depth > maxJsonDepth)
    throw new SnapshotError(
      "SNAPSHOT_LIMIT_EXCEEDED",
      `The value is nested more than ${maxJsonDepth} levels deep, more than a JSON column can hold. Flatten it in a step before the sink, or send it to failedRecords.`,
    );
  const leaf = writeLeaf(value);
  if (leaf !== undefined) return leaf;
  if (seen.has(value)) return writeReference(seen.get(value));
  seen.set(value, step);
  const inner = (child: unknown, ...names: (string | number)[]): string =>
    write(child, follow(step, names), depth + names.length, seen);

  if (Array.isArray(value)) return writeArray(value, inner);
  if (isPlainObject(value)) return writePlainObject(value, inner);
  if (value instanceof Map) {
    const entries = [...value].map(([k, v], i) => `[${inner(k, "$map", i, 0)},${inner(v, "$map", i, 1)}]`);
    return `{"$map":[${entries.join(",")}]}`;
  }
  if (value instanceof Set) return `{"$set":[${[...value].map((v, i) => inner(v, "$set", i)).join(",")}]}`;
  if (value instanceof ArrayBuffer) return writeBinary("ArrayBuffer", new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return writeView(value, step, seen, inner);
  if (value instanceof UnsupportedView) {
    const { kind, byteOffset, length, buffer } = value;
    // The same text as where the engine knows the kind (two bytes an element: Float16Array is the only one that some lack).
    if (byteOffset === 0 && length !== undefined && length * 2 === buffer.byteLength && !seen.has(buffer)) {
      seen.set(buffer, { parent: step, name: "$buffer" });
      return writeBinary(kind, new Uint8Array(buffer));
    }
    return viewForm(kind, byteOffset, length, inner(buffer, "$view", "buffer"));
  }
  if (value instanceof Error) return writeError(value, inner);
  if (value instanceof HostObject)
    return `{"$host":{"type":${JSON.stringify(value.type)},"data":${inner(value.data, "$host", "data")}}}`;
  throw new SnapshotError(
    "SNAPSHOT_VALUE_UNSUPPORTED",
    `An object of class ${value.constructor.name} has no JSON form. Turn it into plain data in a step before the sink.`,
  );
}

/** Objects that nothing can be inside of. That two places hold the same one is not kept: their value cannot change. */
function writeLeaf(value: object): string | undefined {
  if (value instanceof Date) {
    const time = value.getTime();
    return `{"$date":${Number.isNaN(time) ? "null" : `"${value.toISOString()}"`}}`;
  }
  if (value instanceof RegExp)
    return `{"$regexp":[${JSON.stringify(value.source)},${JSON.stringify(value.flags)}]}`;
  if (
    value instanceof Boolean ||
    value instanceof Number ||
    value instanceof String ||
    value instanceof BigInt
  )
    return `{"$boxed":${write(value.valueOf(), undefined, 0, new Map())}}`;
  if (value instanceof SnapshotBlob) {
    const { size, type, name, lastModified } = value;
    const sha256 = Buffer.from(value.sha256).toString("hex");
    return `{"$blob":${JSON.stringify({ sha256, size, type, name, lastModified })}}`;
  }
  return undefined;
}

type WriteInner = (child: unknown, ...names: (string | number)[]) => string;

// Loops instead of `map`: every frame less per level is stack for deeper values.
function writeArray(value: readonly unknown[], inner: WriteInner): string {
  const keys = Object.keys(value);
  // Dense arrays have exactly their indices as keys; the length of a sparse one may be four billion.
  if (keys.length !== value.length || (keys.length > 0 && keys.at(-1) !== String(value.length - 1)))
    return writeSparseArray(value, keys, inner);
  let text = "[";
  for (let i = 0; i < value.length; i++) text += (i === 0 ? "" : ",") + inner(value[i], i);
  return `${text}]`;
}

function writeSparseArray(value: readonly unknown[], keys: readonly string[], inner: WriteInner): string {
  const entries = keys.map((key, i) => {
    const index = Number(key);
    const name = Number.isInteger(index) && String(index) === key && index < 2 ** 32 - 1 ? index : key;
    const item = (value as unknown as Record<string, unknown>)[key];
    return `[${JSON.stringify(name)},${inner(item, "$array", "entries", i, 1)}]`;
  });
  return `{"$array":{"length":${value.length},"entries":[${entries.join(",")}]}}`;
}

function writePlainObject(value: Record<string, unknown>, inner: WriteInner): string {
  const keys = Object.keys(value);
  const escaped = keys.some((key) => key.startsWith("$"));
  let text = "{";
  for (const key of keys) {
    if (text.length > 1) text += ",";
    text += `${JSON.stringify(key)}:${escaped ? inner(value[key], "$object", key) : inner(value[key], key)}`;
  }
  return escaped ? `{"$object":${text}}}` : `${text}}`;
}

function writeView(view: ArrayBufferView, step: Step | undefined, seen: Seen, inner: WriteInner): string {
  const type = viewType(view);
  const whole = view.byteOffset === 0 && view.byteLength === view.buffer.byteLength;
  if (whole && !seen.has(view.buffer)) {
    seen.set(view.buffer, { parent: step, name: "$buffer" });
    return writeBinary(type, new Uint8Array(view.buffer));
  }
  const length = "length" in view ? Number(view.length) : view.byteLength;
  return viewForm(type, view.byteOffset, length, inner(view.buffer, "$view", "buffer"));
}

function viewForm(type: string, byteOffset: number, length: number | undefined, buffer: string): string {
  return `{"$view":{"type":"${type}","byteOffset":${byteOffset},"length":${length ?? "null"},"buffer":${buffer}}}`;
}

/** "Uint8Array", "DataView", ... */
export function viewType(view: ArrayBufferView): string {
  return Object.prototype.toString.call(view).slice(8, -1);
}

function writeBinary(type: string, bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return `{"$binary":{"type":"${type}","base64":"${base64}"}}`;
}

function writeError(error: Error, inner: WriteInner): string {
  const parts = [`"name":${JSON.stringify(error.name)}`];
  if (Object.hasOwn(error, "message")) parts.push(`"message":${JSON.stringify(error.message)}`);
  if (typeof error.stack === "string") parts.push(`"stack":${JSON.stringify(error.stack)}`);
  if (Object.hasOwn(error, "cause")) parts.push(`"cause":${inner(error.cause, "$error", "cause")}`);
  return `{"$error":{${parts.join(",")}}}`;
}

function follow(step: Step | undefined, names: readonly (string | number)[]): Step | undefined {
  return names.reduce<Step | undefined>((parent, name) => ({ parent, name }), step);
}

function writeReference(step: Step | undefined): string {
  const path: (string | number)[] = [];
  for (let at = step; at; at = at.parent) path.push(at.name);
  return `{"$ref":${JSON.stringify(path.reverse())}}`;
}
