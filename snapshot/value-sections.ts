import { ByteWriter } from "./byte-writer.js";
import type { Shape } from "./shape.js";
import type { SnapshotBlob } from "./snapshot-blob.js";
import { isWellFormed, writeUtf16, writeUtf8 } from "./text.js";
import { flags, valueVersion } from "./value-tags.js";

/** What stands in front of a value's body: its attachments, shapes and strings, collected while the body is written. */
export class ValueSections {
  /** All strings of the body, one after the other. */
  strings = "";
  blobs: SnapshotBlob[] = [];
  private readonly head = new ByteWriter(512);
  private readonly shapeBytes = new ByteWriter(512);
  private shapeCount = 0;

  reset(): void {
    this.strings = "";
    this.blobs = [];
    this.shapeCount = 0;
    this.head.reset();
    this.shapeBytes.reset();
  }

  /** Declares a shape at its first use in this value (`run` tells values apart). */
  declare(shape: Shape, run: number): void {
    if (shape.usedBy === run) return;
    shape.usedBy = run;
    shape.index = this.shapeCount++;
    this.shapeBytes.bytes(shape.bytes);
  }

  /** The whole value: flags, sections, body. */
  assemble(body: ByteWriter): Uint8Array {
    const { head, shapeBytes, strings } = this;
    let flag = valueVersion << 4;
    if (this.blobs.length > 0) flag |= flags.attachments;
    if (shapeBytes.position > 0) flag |= flags.shapes;
    head.byte(0);
    if (this.blobs.length > 0) {
      head.varint(this.blobs.length);
      for (const blob of this.blobs) {
        head.bytes(blob.sha256);
        head.varint(blob.size);
      }
    }
    if (shapeBytes.position > 0) {
      head.varint(shapeBytes.position);
      head.bytes(shapeBytes.peek());
    }
    if (strings.length > 0) {
      flag |= flags.strings;
      if (isWellFormed(strings)) {
        this.appendUtf8(strings);
      } else {
        flag |= flags.utf16;
        head.varint(strings.length * 2);
        head.ensure(strings.length * 2);
        head.position = writeUtf16(strings, head.buffer, head.position);
      }
    }
    head.buffer[0] = flag;
    const result = new Uint8Array(head.position + body.position);
    result.set(head.peek(), 0);
    result.set(body.peek(), head.position);
    return result;
  }

  private appendUtf8(strings: string): void {
    const { head } = this;
    // The length in bytes is known only afterwards: leave room for a short length, move the text when it turns out longer.
    const lengthAt = head.position;
    head.ensure(strings.length * 3 + 10);
    const start = lengthAt + 1;
    const written = writeUtf8(strings, head.buffer.subarray(start));
    if (written < 0x80) {
      head.buffer[lengthAt] = written;
      head.position = start + written;
      return;
    }
    const lengthSize = Math.ceil(Math.log2(written + 1) / 7);
    head.buffer.copyWithin(lengthAt + lengthSize, start, start + written);
    head.varint(written);
    head.position += written;
  }
}
