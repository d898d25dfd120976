import { HostObject, SnapshotBlob, SnapshotRecord } from "../snapshot/index.js";

/**
 * Equality of values as structured clone sees them: same types, same contents, 0 apart from -0, NaN equal to NaN, a hole apart from
 * undefined, Dates by time, views by kind, offset and the bytes they show, errors by name, message and cause (not stack), cycles at the same
 * places. The order of an object's properties does not count; that of Map and Set entries does.
 * Records are equal in database, store, key, value, `deleted` and origin; functions and other objects only to themselves.
 */
export function structuredEqual(a: unknown, b: unknown): boolean {
  return equal(a, b, new Map());
}

type Pairs = Map<object, object>;

function equal(a: unknown, b: unknown, pairs: Pairs): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  // An object met again must stand for the same object on the other side: so cycles end.
  const known = pairs.get(a);
  if (known !== undefined) return known === b;
  pairs.set(a, b);
  const tag = tagOf(a);
  return tag === tagOf(b) && comparer(tag)(a as never, b as never, pairs);
}

type Comparer = (a: never, b: never, pairs: Pairs) => boolean;

function comparer(tag: string): Comparer {
  if (tag === "Record") return recordsEqual as Comparer;
  if (tag === "DataView" || tag.endsWith("Array") && tag !== "Array") return viewsEqual as Comparer;
  return comparers[tag] ?? sameObject;
}

const sameObject: Comparer = () => false;

const comparers: Readonly<Record<string, Comparer>> = {
  Object: propertiesEqual as Comparer,
  Array: ((a: unknown[], b: unknown[], pairs: Pairs) => a.length === b.length && propertiesEqual(a, b, pairs)) as Comparer,
  Map: ((a: Map<unknown, unknown>, b: Map<unknown, unknown>, pairs: Pairs) =>
    a.size === b.size && sequencesEqual([...a].flat(), [...b].flat(), pairs)) as Comparer,
  Set: ((a: Set<unknown>, b: Set<unknown>, pairs: Pairs) => a.size === b.size && sequencesEqual([...a], [...b], pairs)) as Comparer,
  Date: ((a: Date, b: Date) => Object.is(a.getTime(), b.getTime())) as Comparer,
  RegExp: ((a: RegExp, b: RegExp) => a.source === b.source && a.flags === b.flags) as Comparer,
  ArrayBuffer: ((a: ArrayBuffer, b: ArrayBuffer) => bytesEqual(new Uint8Array(a), new Uint8Array(b))) as Comparer,
  Error: ((a: Error, b: Error, pairs: Pairs) =>
    a.name === b.name && a.message === b.message && equal(a.cause, b.cause, pairs)) as Comparer,
  Boolean: boxesEqual as Comparer,
  Number: boxesEqual as Comparer,
  String: boxesEqual as Comparer,
  BigInt: boxesEqual as Comparer,
  Blob: ((a: SnapshotBlob, b: SnapshotBlob) =>
    bytesEqual(a.sha256, b.sha256) && a.type === b.type && a.name === b.name && a.lastModified === b.lastModified) as Comparer,
  Host: ((a: HostObject, b: HostObject, pairs: Pairs) => a.type === b.type && equal(a.data, b.data, pairs)) as Comparer,
};

function tagOf(value: object): string {
  if (value instanceof SnapshotRecord) return "Record";
  if (value instanceof SnapshotBlob) return "Blob";
  if (value instanceof HostObject) return "Host";
  if (value instanceof Error) return "Error";
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  // Instances of registered classes are equal field by field when they are of the same class; Node's Buffer is a Uint8Array.
  if (tag !== "Object" || prototype === null || prototype === Object.prototype) return tag;
  return "Object";
}

function recordsEqual(a: SnapshotRecord, b: SnapshotRecord, pairs: Pairs): boolean {
  return (
    a.database === b.database &&
    a.store === b.store &&
    a.deleted === b.deleted &&
    bytesEqual(a.keyBytes, b.keyBytes) &&
    equal(a.negativeZeros ?? [], b.negativeZeros ?? [], pairs) &&
    equal({ ...a.origin }, { ...b.origin }, pairs) &&
    (a.deleted || equal(a.value, b.value, pairs))
  );
}

function propertiesEqual(a: object, b: object, pairs: Pairs): boolean {
  if (!samePrototype(a, b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && equal((a as Fields)[name], (b as Fields)[name], pairs))
  );
}

type Fields = Record<string, unknown>;

function samePrototype(a: object, b: object): boolean {
  const of = (value: object) => (Object.getPrototypeOf(value) as object | null) ?? Object.prototype;
  return of(a) === of(b);
}

function sequencesEqual(a: readonly unknown[], b: readonly unknown[], pairs: Pairs): boolean {
  return a.length === b.length && a.every((item, i) => equal(item, b[i], pairs));
}

function boxesEqual(a: { valueOf(): unknown }, b: { valueOf(): unknown }): boolean {
  return Object.is(a.valueOf(), b.valueOf());
}

function viewsEqual(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return bytesEqual(bytesOf(a), bytesOf(b));
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
