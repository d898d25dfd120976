import { SnapshotError } from "./error.js";
import type { Key } from "./key.js";
import { ARRAY, BINARY, DATE, END, maxKeyDepth, NUMBER, STRING } from "./key-tags.js";

const scratch = new DataView(new ArrayBuffer(8));

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
