/**
 * An element's bytes between two steps of a pipeline. Values are written by the exact value codec, records as the bytes that they came
 * with: a record that a pipeline only moves is never decoded.
 */
import {
  decodeRecord,
  decodeValue,
  encodeRecord,
  encodeValue,
  HostObject,
  SnapshotError,
  SnapshotRecord,
} from "../snapshot/index.js";
import { registeredPrototype, registeredPrototypeName } from "./registered.js";

/** Precedes a bare record. No encoded value starts with it: the first byte of a value carries the version of the value format, 1 or more. */
const recordMark = 0;
const recordType = "beam-indexeddb:record";
const instanceType = "beam-indexeddb:instance";

/**
 * Exact bytes of any element: all that IndexedDB can hold, records (also inside arrays, objects, accumulators), and instances of registered
 * classes.
 * The bytes have a buffer of their own: put into another element, they bring nothing along.
 * @throws SnapshotError BEAM_ELEMENT_UNSUPPORTED for instances of other classes, functions, symbols, promises.
 */
export function encodeElement(element: unknown): Uint8Array {
  return owned(elementBytes(element));
}

/** As `encodeElement`, in a buffer that may be shared: for bytes that are copied at once. */
export function elementBytes(element: unknown): Uint8Array {
  if (isRecord(element)) {
    const bytes = encodeRecord(element);
    const marked = new Uint8Array(bytes.length + 1);
    marked[0] = recordMark;
    marked.set(bytes, 1);
    return marked;
  }
  return encode(element, false);
}

/** The element of such bytes. Records keep views of them: hand in bytes that nobody else writes to. */
export function decodeElement(bytes: Uint8Array): unknown {
  if (bytes[0] === recordMark) return decodeRecord(bytes.subarray(1));
  return decodeValue(bytes, { hostObject: restoreHostObject });
}

/**
 * Bytes for grouping: equal for values that are equal by content. Order of properties, 0 against -0, and whether two equal parts are one
 * object make no difference; NaN equals NaN; Dates, typed arrays, Maps and Sets count by content (entries in their order).
 */
export function encodeGroupKey(key: unknown): Uint8Array {
  return owned(groupKeyBytes(key));
}

/** As `encodeGroupKey`, in a buffer that may be shared. */
export function groupKeyBytes(key: unknown): Uint8Array {
  return encode(key, true);
}

/** A view counts with all of its buffer when it is encoded again, and small values lie in one buffer of many. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function encode(value: unknown, canonical: boolean): Uint8Array {
  try {
    return encodeValue(value, { canonical, hostObject: toHostObject });
  } catch (error) {
    if (error instanceof SnapshotError && error.code === "SNAPSHOT_VALUE_UNSUPPORTED") {
      throw new SnapshotError(
        "BEAM_ELEMENT_UNSUPPORTED",
        `An element can't travel between steps. ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  }
}

function toHostObject(value: object): HostObject {
  if (isRecord(value)) return new HostObject(recordType, encodeRecord(value));
  const prototype = Object.getPrototypeOf(value) as object;
  const name = registeredPrototypeName(prototype);
  if (name === undefined) {
    const className = classNameOf(prototype);
    throw new SnapshotError(
      "BEAM_ELEMENT_UNSUPPORTED",
      `An element holds an instance of ${className}, which would lose its class between steps. Emit a plain object instead, or register the class: registerFunctions("<your module>", { ${className} }).`,
    );
  }
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value)) fields[key] = (value as Record<string, unknown>)[key];
  return new HostObject(instanceType, [name, fields]);
}

function restoreHostObject(type: string, data: unknown): unknown {
  if (type === recordType) return decodeRecord(data as Uint8Array);
  if (type !== instanceType) return new HostObject(type, data);
  const [name, fields] = data as [string, Record<string, unknown>];
  const prototype = registeredPrototype(name);
  if (prototype === undefined) {
    throw new SnapshotError(
      "BEAM_ELEMENT_UNSUPPORTED",
      `An element is an instance of "${name}", which is not registered here. Import the module that registers it on the worker, too.`,
    );
  }
  const instance = Object.create(prototype) as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    Object.defineProperty(instance, key, {
      value: fields[key],
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return instance;
}

/** `instanceof` alone would make it a record of anything. */
function isRecord(value: unknown): value is SnapshotRecord {
  return value instanceof SnapshotRecord;
}

function classNameOf(prototype: object): string {
  const constructor: unknown = (prototype as { constructor?: unknown }).constructor;
  return typeof constructor === "function" && constructor.name !== ""
    ? constructor.name
    : "a class without a name";
}
