import { ByteReader } from "./byte-reader.js";
import { SnapshotError } from "./error.js";
import { type DecodedShape, decodeShapes } from "./shape.js";
import { isWellFormed, readUtf16, readUtf8 } from "./text.js";
import { readAttachments, type ValueAttachment } from "./value-attachments.js";
import { flags, maxReservedBytes, valueVersion } from "./value-tags.js";

const none: readonly never[] = [];

/** Reads what stands in front of a value's body, and the items of the body that hold no other items. */
export class ValueReader extends ByteReader {
  protected shapes: readonly DecodedShape[] = none;
  protected attachments: readonly ValueAttachment[] = none;
  private text = "";
  private textAt = 0;
  private reserved = 0;

  /** @throws SnapshotError SNAPSHOT_VERSION_UNSUPPORTED, SNAPSHOT_MALFORMED */
  protected openSections(): void {
    const first = this.byte();
    if (first >> 4 !== valueVersion) {
      throw new SnapshotError(
        "SNAPSHOT_VERSION_UNSUPPORTED",
        `The value is encoded in version ${first >> 4}, this library knows version ${valueVersion}. Update beam-indexeddb to read it.`,
        { offset: 0 },
      );
    }
    if (first & flags.attachments) this.attachments = readAttachments(this);
    if (first & flags.shapes) {
      const length = this.count();
      this.shapes = decodeShapes(this.bytes, this.position, this.position + length);
      this.position += length;
    }
    if (first & flags.strings) this.readStrings((first & flags.utf16) !== 0);
    else if (first & flags.utf16) throw this.malformed("a string form without strings");
  }

  protected checkEnd(): void {
    if (this.position !== this.end || this.textAt !== this.text.length)
      throw this.malformed("bytes after the value");
  }

  private readStrings(utf16: boolean): void {
    const length = this.count();
    if (length === 0) throw this.malformed("an empty string section");
    const from = this.position;
    this.position += length;
    const text = utf16
      ? length % 2 === 0
        ? readUtf16(this.bytes, from, this.position)
        : undefined
      : readUtf8(this.bytes, from, this.position);
    if (text === undefined || (utf16 && isWellFormed(text)))
      throw this.malformed("a string section that is no valid text");
    this.text = text;
  }

  protected string(length: number): string {
    const from = this.textAt;
    const to = from + length;
    if (to > this.text.length) throw this.malformed("a string longer than the text that is left");
    this.textAt = to;
    return this.text.substring(from, to);
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
        `A bigint of ${length} bytes is larger than this engine can hold.`,
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
    const source = this.string(this.varint());
    const flagText = this.string(this.varint());
    try {
      return new RegExp(source, flagText);
    } catch (cause) {
      throw new SnapshotError("SNAPSHOT_MALFORMED", "A regular expression that this engine doesn't accept.", {
        cause,
      });
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
        "The value's resizable ArrayBuffers may grow to over 1 GiB together.",
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
