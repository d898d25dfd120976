import { SnapshotError } from "./error.js";
import { ARRAY, BINARY, DATE, END, maxKeyDepth, NUMBER, STRING } from "./key-tags.js";

/**
 * Keys as bytes that compare (unsigned, byte by byte) the way `indexedDB.cmp` compares keys, and that are equal exactly when the keys are.
 * The scheme is FORMAT.md section "Keys" (number < Date < string < binary < array, W3C IndexedDB 3.0 "compare two keys").
 */
export type Key = number | Date | string | ArrayBuffer | readonly Key[];

const scratch = new DataView(new ArrayBuffer(8));
let out = new Uint8Array(256);
let at = 0;

/**
 * The key's bytes. Views are taken as the bytes they show; -0 becomes 0 (they are one key; see `negativeZerosOf`).
 * @throws SnapshotError SNAPSHOT_KEY_INVALID for what IndexedDB refuses as a key: NaN, an invalid Date, a hole, a cycle, any other type.
 * @example compareKeyBytes(encodeKey(["a", 1]), encodeKey(["a", 2])); // -1
 */
export function encodeKey(key: unknown): Uint8Array {
  at = 0;
  writeKey(key, 0);
  const bytes = out.slice(0, at);
  if (out.length > 1 << 20) out = new Uint8Array(256);
  return bytes;
}

function reserve(count: number): void {
  if (at + count <= out.length) return;
  const grown = new Uint8Array(Math.max(at + count, out.length * 2));
  grown.set(out.subarray(0, at));
  out = grown;
}

function writeKey(key: unknown, depth: number): void {
  if (typeof key === "string") return writeString(key);
  if (typeof key === "number") return writeNumber(NUMBER, key, "NaN");
  if (key instanceof Date) return writeNumber(DATE, key.getTime(), "an invalid Date");
  if (Array.isArray(key)) return writeArray(key, depth);
  const bytes = viewOf(key);
  if (bytes) return writeBinary(bytes);
  throw invalid(key === null ? "null" : `a ${typeof key}`);
}

/** The bytes of a binary key, undefined for anything else. */
export function viewOf(key: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(key)) return new Uint8Array(key.buffer, key.byteOffset, key.byteLength);
  if (key instanceof ArrayBuffer) return new Uint8Array(key);
  // From another realm (an iframe, a test's sandbox), `instanceof` is false.
  const tag = Object.prototype.toString.call(key);
  if (tag === "[object ArrayBuffer]") return new Uint8Array(key as ArrayBuffer);
  return undefined;
}

function writeNumber(tag: number, value: number, refusal: string): void {
  if (Number.isNaN(value)) throw invalid(refusal);
  reserve(9);
  scratch.setFloat64(0, value === 0 ? 0 : value);
  let high = scratch.getUint32(0);
  let low = scratch.getUint32(4);
  if (high & 0x80000000) {
    high = ~high;
    low = ~low;
  } else {
    high ^= 0x80000000;
  }
  out[at] = tag;
  out[at + 1] = high >>> 24;
  out[at + 2] = high >>> 16;
  out[at + 3] = high >>> 8;
  out[at + 4] = high;
  out[at + 5] = low >>> 24;
  out[at + 6] = low >>> 16;
  out[at + 7] = low >>> 8;
  out[at + 8] = low;
  at += 9;
}

function writeString(text: string): void {
  reserve(text.length * 3 + 2);
  out[at++] = STRING;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 0x7e) {
      out[at++] = unit + 1;
    } else if (unit <= 0x407e) {
      const shifted = 0x8000 + unit - 0x7f;
      out[at++] = shifted >> 8;
      out[at++] = shifted;
    } else {
      out[at++] = 0xc0 | (unit >> 10);
      out[at++] = unit >> 2;
      out[at++] = (unit & 3) << 6;
    }
  }
  out[at++] = END;
}

function writeBinary(bytes: Uint8Array): void {
  reserve(bytes.length * 2 + 2);
  out[at++] = BINARY;
  for (const byte of bytes) {
    out[at++] = byte;
    if (byte === 0) out[at++] = 0xff;
  }
  out[at++] = END;
}

function writeArray(key: readonly unknown[], depth: number): void {
  if (depth >= maxKeyDepth) throw invalid(`an array nested over ${maxKeyDepth} levels or a cycle`);
  reserve(2);
  out[at++] = ARRAY;
  for (let i = 0; i < key.length; i++) {
    if (!(i in key)) throw invalid("an array with a hole");
    writeKey(key[i], depth + 1);
  }
  reserve(1);
  out[at++] = END;
}

function invalid(what: string): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_KEY_INVALID",
    `IndexedDB has no such key: ${what}. Use numbers, valid Dates, strings, binary data and arrays of these.`,
  );
}

/**
 * Which of the key's numbers (ordinals, in the order of the key) are -0; undefined when none is, which is nearly always. IndexedDB treats
 * 0 and -0 as one key, yet hands back the one that was stored.
 */
export function negativeZerosOf(key: unknown): readonly number[] | undefined {
  if (typeof key === "number") return Object.is(key, -0) ? [0] : undefined;
  if (!Array.isArray(key)) return undefined;
  const found: number[] = [];
  let ordinal = 0;
  const visit = (part: unknown): void => {
    if (typeof part === "number") {
      if (Object.is(part, -0)) found.push(ordinal);
      ordinal++;
    } else if (Array.isArray(part)) {
      part.forEach(visit);
    }
  };
  key.forEach(visit);
  return found.length > 0 ? found : undefined;
}

/** Unsigned byte order; a prefix sorts first. The sign says which key is the smaller. */
export function compareKeyBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** As `indexedDB.cmp`: -1, 0 or 1. */
export function compareKeys(a: unknown, b: unknown): -1 | 0 | 1 {
  return Math.sign(compareKeyBytes(encodeKey(a), encodeKey(b))) as -1 | 0 | 1;
}
