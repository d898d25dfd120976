import type { SnapshotError } from "./error.js";
import { malformed } from "./malformed.js";

const double = new Float64Array([1]);
const halves = new Uint32Array(double.buffer);
/** Where this machine keeps the low half of a double; the bytes themselves are always little-endian. */
const lowHalf = halves[0] === 0 ? 0 : 1;

/**
 * Reads what ByteWriter writes, from bytes that nobody vouches for: every length is checked against what is left before anything is
 * allocated, and reading past the end is SNAPSHOT_MALFORMED (never `undefined` turned into a number).
 */
export class ByteReader {
  bytes: Uint8Array;
  position: number;
  end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.position;
  }

  byte(): number {
    if (this.position >= this.end) throw this.short(1);
    return this.bytes[this.position++]!;
  }

  varint(): number {
    const bytes = this.bytes;
    let at = this.position;
    const end = this.end;
    let byte: number;
    if (at >= end) throw this.short(1);
    byte = bytes[at++]!;
    let result = byte & 0x7f;
    if (byte >= 0x80) {
      let scale = 128;
      do {
        if (at >= end) throw this.short(1);
        byte = bytes[at++]!;
        result += (byte & 0x7f) * scale;
        scale *= 128;
      } while (byte >= 0x80 && scale <= 0x10000000000000);
      if (byte >= 0x80 || result > Number.MAX_SAFE_INTEGER) throw this.malformed("a varint over 2^53 - 1");
      // One number, one encoding: padding with zero groups would give equal values different bytes.
      if (byte === 0) throw this.malformed("a varint with needless bytes");
    }
    this.position = at;
    return result;
  }

  /** A count or length of things that take at least `unit` bytes each: never more than what is left. */
  count(unit = 1): number {
    const count = this.varint();
    if (count * unit > this.end - this.position) throw this.short(count * unit);
    return count;
  }

  uint32(): number {
    if (this.end - this.position < 4) throw this.short(4);
    const { bytes, position: at } = this;
    this.position = at + 4;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  float64(): number {
    if (this.end - this.position < 8) throw this.short(8);
    // A DataView of its own for each short stretch of bytes costs more than these two words.
    halves[lowHalf] = this.uint32();
    halves[1 - lowHalf] = this.uint32();
    return double[0]!;
  }

  /** A view of the next `length` bytes. */
  take(length: number): Uint8Array {
    if (length > this.end - this.position) throw this.short(length);
    const start = this.position;
    this.position = start + length;
    return this.bytes.subarray(start, start + length);
  }

  short(wanted: number): SnapshotError {
    return this.malformed(`${wanted} bytes announced where ${this.end - this.position} are left`);
  }

  malformed(what: string): SnapshotError {
    return malformed(`No valid encoding: ${what} at byte ${this.position}`, { offset: this.position });
  }
}
