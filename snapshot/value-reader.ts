import { ByteReader } from "./byte-reader.js";
import { SnapshotError } from "./error.js";
import { malformed } from "./malformed.js";
import { isLatin1, isWellFormed, readLatin1, readsLatin1InBulk, readUtf16, readUtf8 } from "./text.js";
import { maxReservedBytes, textForms } from "./value-tags.js";

/** So much is read as one string, of which the value's strings are parts. */
const windowBytes = 1024;
const empty = new Uint8Array(0);

/** Reads the items of a value's body that hold no other items. */
export class ValueReader extends ByteReader {
  /** Bytes from `windowStart` to `windowEnd` as Latin-1. */
  private window = "";
  private windowStart = 0;
  private windowEnd = 0;
  private reserved = 0;

  constructor() {
    super(empty);
  }

  protected open(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.position = 0;
    this.end = bytes.length;
  }

  /** Keeps nothing of the value. */
  protected close(): void {
    this.bytes = empty;
    this.window = "";
    this.windowEnd = 0;
    this.reserved = 0;
  }

  /** The next `length` bytes, a unit each. */
  protected latin1(length: number): string {
    const from = this.position;
    const to = from + length;
    if (to > this.windowEnd && !this.opensWindow(from, to)) return readLatin1(this.bytes, from, to);
    this.position = to;
    return this.window.substring(from - this.windowStart, to - this.windowStart);
  }

  /** Puts the bytes in a window; when a string of their own is better, only moves past them. */
  private opensWindow(from: number, to: number): boolean {
    if (to > this.end) throw this.short(to - from);
    this.position = to;
    if (!readsLatin1InBulk || to - from > windowBytes >> 2) return false;
    const end = Math.min(this.end, from + windowBytes);
    this.window = readLatin1(this.bytes, from, end);
    this.windowStart = from;
    this.windowEnd = end;
    return true;
  }

  /** A string where no tag stands in front. */
  text(): string {
    const header = this.varint();
    if ((header & 3) === textForms.latin1) return this.latin1(Math.floor(header / 4));
    return this.wide(header);
  }

  /** A string of UTF-8 or UTF-16LE whose header was read. One string, one form: what fits a narrower one is refused. */
  protected wide(header: number): string {
    const form = header & 3;
    const length = Math.floor(header / 4);
    if (length > this.end - this.position) throw this.short(length);
    const from = this.position;
    const to = (this.position += length);
    const { bytes } = this;
    if (form === textForms.utf8) {
      const text = readUtf8(bytes, from, to);
      if (text !== undefined && !isLatin1(text)) return text;
    } else if (form === textForms.utf16 && length % 2 === 0) {
      const text = readUtf16(bytes, from, to);
      if (!isWellFormed(text)) return text;
    }
    throw this.malformed("a string that is no valid text");
  }

  protected int(least: number): number {
    const value = this.varint();
    if (value > 0x7fffffff || value < least) throw this.malformed("an integer in the wrong form");
    return value;
  }

  protected bigint(): bigint {
    const length = this.count();
    const bytes = this.take(length);
    if (length === 0) return 0n;
    if (bytes[length - 1] === 0) throw this.malformed("a bigint with needless bytes");
    let hex = "0x";
    for (let i = length - 1; i >= 0; i--) hex += bytes[i]!.toString(16).padStart(2, "0");
    try {
      return BigInt(hex);
    } catch (cause) {
      throw new SnapshotError(
        "SNAPSHOT_LIMIT_EXCEEDED",
        `A bigint of ${length} bytes is too large for this engine.`,
        { cause },
      );
    }
  }

  protected negativeBigint(): bigint {
    const value = this.bigint();
    if (value === 0n) throw this.malformed("a negative bigint zero");
    return -value;
  }

  protected regexp(): RegExp {
    const source = this.text();
    const flagText = this.text();
    try {
      return new RegExp(source, flagText);
    } catch (cause) {
      throw malformed("A regular expression is none to this engine", { cause });
    }
  }

  protected buffer(length: number): ArrayBuffer {
    const bytes = this.take(length);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + length) as ArrayBuffer;
  }

  protected resizable(): ArrayBuffer {
    const length = this.varint();
    const maxByteLength = this.varint();
    if (length > maxByteLength) throw this.malformed("a resizable ArrayBuffer longer than its maximum");
    this.reserved += maxByteLength;
    if (this.reserved > maxReservedBytes) {
      throw new SnapshotError(
        "SNAPSHOT_LIMIT_EXCEEDED",
        "The resizable ArrayBuffers of a value may grow to over 1 GiB.",
      );
    }
    const bytes = this.take(length);
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer;
    const buffer = new Resizable(length, { maxByteLength });
    new Uint8Array(buffer).set(bytes);
    return buffer;
  }
}
