import { SnapshotError } from "./error.js";

/**
 * Keys as bytes that compare (unsigned, byte by byte) the way `indexedDB.cmp` compares keys, and that are equal exactly when the keys are.
 * The scheme is FORMAT.md section "Keys" (number < Date < string < binary < array, W3C IndexedDB 3.0 "compare two keys").
 */
export type Key = number | Date | string | ArrayBuffer | readonly Key[];

const NUMBER = 0x10;
const DATE = 0x20;
const STRING = 0x30;
const BINARY = 0x40;
const ARRAY = 0x50;
const END = 0x00;

/** Deeper arrays are refused: no app nests keys so far, and decoding is recursive. */
export const maxKeyDepth = 200;

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
  if (typeof key === "number") return writeNumber(NUMBER, key, "NaN is no key");
  if (key instanceof Date) return writeNumber(DATE, key.getTime(), "an invalid Date is no key");
  if (Array.isArray(key)) return writeArray(key, depth);
  const bytes = viewOf(key);
  if (bytes) return writeBinary(bytes);
  throw invalid(`a ${key === null ? "null" : typeof key} is no key`);
}

function viewOf(key: unknown): Uint8Array | undefined {
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
  if (depth >= maxKeyDepth) throw invalid(`an array nested over ${maxKeyDepth} levels or a cycle is no key`);
  reserve(2);
  out[at++] = ARRAY;
  for (let i = 0; i < key.length; i++) {
    if (!(i in key)) throw invalid("an array with a hole is no key");
    writeKey(key[i], depth + 1);
  }
  reserve(1);
  out[at++] = END;
}

function invalid(what: string): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_KEY_INVALID",
    `Not a valid IndexedDB key: ${what}. Keys are numbers, valid Dates, strings, binary data and arrays of these.`,
  );
}

/**
 * The key of these bytes: binary keys as ArrayBuffer, arrays fresh. `negativeZeros` names the numbers that were -0 (by their ordinal
 * among the key's numbers).
 * @throws SnapshotError SNAPSHOT_KEY_INVALID when the bytes are not what `encodeKey` writes; nothing is guessed.
 */
export function decodeKey(bytes: Uint8Array, negativeZeros?: readonly number[]): Key {
  const reader = new KeyDecoder(bytes, negativeZeros);
  const key = reader.key(0);
  if (reader.left > 0) throw reader.bad("trailing bytes");
  return key;
}

class KeyDecoder {
  private readonly bytes: Uint8Array;
  private readonly negativeZeros: readonly number[] | undefined;
  private position = 0;
  private numbers = 0;

  constructor(bytes: Uint8Array, negativeZeros: readonly number[] | undefined) {
    this.bytes = bytes;
    this.negativeZeros = negativeZeros;
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  bad(what: string): SnapshotError {
    return new SnapshotError(
      "SNAPSHOT_KEY_INVALID",
      `The bytes are no encoded key: ${what} at byte ${this.position}.`,
      {
        offset: this.position,
      },
    );
  }

  key(depth: number): Key {
    switch (this.next()) {
      case NUMBER: {
        const value = this.number();
        const ordinal = this.numbers++;
        return value === 0 && this.negativeZeros?.includes(ordinal) ? -0 : value;
      }
      case DATE: {
        const time = this.number();
        if (Math.abs(time) > 8.64e15 || !Number.isInteger(time)) throw this.bad("a Date out of range");
        return new Date(time);
      }
      case STRING:
        return this.string();
      case BINARY:
        return this.binary();
      case ARRAY:
        return this.array(depth);
      default:
        throw this.bad("an unknown type");
    }
  }

  private next(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) throw this.bad("the end is missing");
    this.position++;
    return byte;
  }

  private number(): number {
    if (this.left < 8) throw this.bad("the end is missing");
    const { bytes, position: p } = this;
    let high = ((bytes[p]! << 24) | (bytes[p + 1]! << 16) | (bytes[p + 2]! << 8) | bytes[p + 3]!) >>> 0;
    let low = ((bytes[p + 4]! << 24) | (bytes[p + 5]! << 16) | (bytes[p + 6]! << 8) | bytes[p + 7]!) >>> 0;
    if (high & 0x80000000) {
      high = (high ^ 0x80000000) >>> 0;
    } else {
      high = ~high >>> 0;
      low = ~low >>> 0;
    }
    this.position += 8;
    scratch.setUint32(0, high);
    scratch.setUint32(4, low);
    const value = scratch.getFloat64(0);
    if (Number.isNaN(value)) throw this.bad("NaN");
    if (Object.is(value, -0)) throw this.bad("-0, whose bytes are those of 0");
    return value;
  }

  private string(): string {
    let text = "";
    let units: number[] = [];
    for (;;) {
      const first = this.next();
      if (first === END) break;
      let unit: number;
      if (first < 0x80) {
        unit = first - 1;
      } else if (first < 0xc0) {
        unit = ((first << 8) | this.next()) - 0x8000 + 0x7f;
      } else {
        const second = this.next();
        const third = this.next();
        unit = ((first & 0x3f) << 10) | (second << 2) | (third >> 6);
        if (third & 0x3f || unit <= 0x407e) throw this.bad("a string unit in the wrong form");
      }
      units.push(unit);
      if (units.length === 4096) {
        text += String.fromCharCode.apply(null, units);
        units = [];
      }
    }
    return units.length === 0 ? text : text + String.fromCharCode.apply(null, units);
  }

  private binary(): ArrayBuffer {
    const start = this.position;
    let zeros = 0;
    for (;;) {
      if (this.next() !== 0) continue;
      if (this.bytes[this.position] !== 0xff) break;
      this.position++;
      zeros++;
    }
    const end = this.position - 1;
    const result = new Uint8Array(end - start - zeros);
    for (let i = start, to = 0; i < end; i++) {
      const byte = this.bytes[i]!;
      result[to++] = byte;
      if (byte === 0) i++;
    }
    return result.buffer;
  }

  private array(depth: number): readonly Key[] {
    if (depth >= maxKeyDepth) throw this.bad(`nesting over ${maxKeyDepth} levels`);
    const items: Key[] = [];
    while (this.bytes[this.position] !== END) items.push(this.key(depth + 1));
    this.position++;
    return items;
  }
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

/** A short printable form for messages: never more than 80 characters. */
export function describeKey(key: unknown): string {
  const text = describe(key, 0);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function describe(key: unknown, depth: number): string {
  if (typeof key === "string") return JSON.stringify(key.slice(0, 80));
  if (Object.is(key, -0)) return "-0";
  if (key instanceof Date)
    return Number.isNaN(key.getTime()) ? "Date(invalid)" : `Date(${key.toISOString()})`;
  if (Array.isArray(key)) {
    return depth > 3
      ? "[...]"
      : `[${key
          .slice(0, 8)
          .map((part) => describe(part, depth + 1))
          .join(", ")}]`;
  }
  const bytes = viewOf(key);
  if (bytes) return `binary(${bytes.length})`;
  return String(key);
}
