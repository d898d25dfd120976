import { ByteWriter } from "./byte-writer.js";
import { isWellFormed, writeShortUtf8, writeUtf16, writeUtf8 } from "./text.js";
import { textForms } from "./value-tags.js";

/** Up to here a loop is faster than the calls into the engine. */
const shortLength = 128;

/** Writes strings as they stand in values: a byte a unit where that is possible, for most strings are so and nothing is faster. */
export class TextWriter extends ByteWriter {
  /** A string where no tag stands in front: a header of length and form, then its bytes. */
  text(value: string): void {
    const { length } = value;
    this.ensure(length + 8);
    const before = this.position;
    this.varint(length * 4 + textForms.latin1);
    if (this.latin1(value)) return;
    this.position = before;
    this.wide(value);
  }

  /** False, and nothing written, when there is a unit over 0xFF. There must be room. */
  protected latin1(value: string): boolean {
    const { buffer } = this;
    let at = this.position;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0xff) return false;
      buffer[at++] = unit;
    }
    this.position = at;
    return true;
  }

  /** A string that `latin1` refused. */
  protected wide(value: string): void {
    // The length in bytes is known only afterwards: the text is written behind room for the longest header, then moved to it.
    this.ensure(value.length * 3 + 8);
    const { buffer } = this;
    const from = this.position + 8;
    let form: number = textForms.utf8;
    let end: number;
    if (value.length <= shortLength) end = writeShortUtf8(value, buffer, from);
    else end = isWellFormed(value) ? from + writeUtf8(value, buffer.subarray(from)) : -1;
    if (end < 0) {
      form = textForms.utf16;
      end = writeUtf16(value, buffer, from);
    }
    this.varint((end - from) * 4 + form);
    buffer.copyWithin(this.position, from, end);
    this.position += end - from;
  }
}
