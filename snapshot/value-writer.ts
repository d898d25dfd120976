import { ByteWriter } from "./byte-writer.js";
import { ValueSections } from "./value-sections.js";
import { tags } from "./value-tags.js";

/** Writes the items of a value's body that hold no other items. */
export class ValueWriter {
  protected readonly body = new ByteWriter(1024);
  protected readonly sections = new ValueSections();
  /** For group keys: 0 and -0 are one. */
  protected canonical = false;

  protected number(value: number): void {
    const { body } = this;
    if (Object.is(value, -0) && this.canonical) value = 0;
    if ((value | 0) === value && !Object.is(value, -0)) {
      if (value >= 0) {
        if (value < 128) {
          body.byte(tags.shortInt | value);
        } else {
          body.byte(tags.int);
          body.varint(value);
        }
      } else {
        body.byte(tags.negativeInt);
        body.varint(-1 - value);
      }
      return;
    }
    body.byte(tags.float64);
    this.float64(value);
  }

  protected float64(value: number): void {
    // One bit pattern for NaN, whatever the engine holds.
    this.body.float64(value !== value ? NaN : value);
  }

  protected bigint(value: bigint): void {
    const { body } = this;
    body.byte(value < 0n ? tags.negativeBigint : tags.bigint);
    let hex = (value < 0n ? -value : value).toString(16);
    if (hex === "0") hex = "";
    if (hex.length % 2 === 1) hex = `0${hex}`;
    const length = hex.length / 2;
    body.varint(length);
    body.ensure(length);
    for (let i = length - 1; i >= 0; i--)
      body.buffer[body.position++] = parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  }

  protected string(value: string, short: number): void {
    if (value.length < 64) {
      this.body.byte(short | value.length);
    } else {
      this.body.byte(tags.string);
      this.body.varint(value.length);
    }
    this.sections.strings += value;
  }

  /** A string whose tag is implied: its length alone. */
  protected text(value: string): void {
    this.body.varint(value.length);
    this.sections.strings += value;
  }
}
