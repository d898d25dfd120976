import { HostObject, SnapshotBlob, SnapshotRecord } from "../snapshot/index.js";

/**
 * Equality of values as structured clone sees them: same types, same contents, 0 apart from -0, NaN equal to NaN, a hole apart from
 * undefined, Dates by time, views by kind and the bytes they show, errors by name, message and cause (not stack). The order of an object's
 * properties does not count, nor whether two equal parts are one object; the order of Map and Set entries does.
 * Records are equal in database, store, key, value, `deleted` and origin; functions and other objects only to themselves.
 */
export function structuredEqual(a: unknown, b: unknown): boolean {
  return equal(a, b, new Map());
}

type Pairs = Map<object, Set<object>>;

function equal(a: unknown, b: unknown, pairs: Pairs): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  // A pair that is met again is being compared already: so cycles end.
  const compared = pairs.get(a) ?? new Set();
  if (compared.has(b)) return true;
  pairs.set(a, compared.add(b));
  const tag = tagOf(a);
  return tag === tagOf(b) && comparer(tag)(a as never, b as never, pairs);
}

type Comparer = (a: never, b: never, pairs: Pairs) => boolean;

function comparer(tag: string): Comparer {
  if (tag === "Record") return recordsEqual;
  // A Node Buffer is a Uint8Array here.
  if (tag === "DataView" || (tag.endsWith("Array") && tag !== "Array")) return viewsEqual;
  return comparers[tag] ?? sameObject;
}

const sameObject: Comparer = () => false;

const comparers: Readonly<Record<string, Comparer>> = {
  Object: propertiesEqual,
  Array: (a: unknown[], b: unknown[], pairs: Pairs) => a.length === b.length && propertiesEqual(a, b, pairs),
  Map: (a: Map<unknown, unknown>, b: Map<unknown, unknown>, pairs: Pairs) =>
    a.size === b.size && sequencesEqual([...a].flat(), [...b].flat(), pairs),
  Set: (a: Set<unknown>, b: Set<unknown>, pairs: Pairs) =>
    a.size === b.size && sequencesEqual([...a], [...b], pairs),
  Date: (a: Date, b: Date) => Object.is(a.getTime(), b.getTime()),
  RegExp: (a: RegExp, b: RegExp) => a.source === b.source && a.flags === b.flags,
  ArrayBuffer: (a: ArrayBuffer, b: ArrayBuffer) => bytesEqual(new Uint8Array(a), new Uint8Array(b)),
  Error: (a: Error, b: Error, pairs: Pairs) =>
    a.name === b.name && a.message === b.message && equal(a.cause, b.cause, pairs),
  Boolean: boxesEqual,
  Number: boxesEqual,
  String: boxesEqual,
  BigInt: boxesEqual,
  Blob: (a: SnapshotBlob, b: SnapshotBlob) =>
    bytesEqual(a.sha256, b.sha256) &&
    a.type === b.type &&
    a.name === b.name &&
    a.lastModified === b.lastModified,
  Host: (a: HostObject, b: HostObject, pairs: Pairs) => a.type === b.type && equal(a.data, b.data, pairs),
};

function tagOf(value: object): string {
  if (value instanceof SnapshotRecord) return "Record";
  if (value instanceof SnapshotBlob) return "Blob";
  if (value instanceof HostObject) return "Host";
  if (value instanceof Error) return "Error";
  return Object.prototype.toString.call(value).slice(8, -1);
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
