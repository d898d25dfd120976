import { TextWriter } from "./text-writer.js";
import { tags, valueVersion } from "./value-tags.js";

/** Small values lie side by side in slabs of this size: a buffer of its own for each costs more than encoding it. */
const slabBytes = 16_384;
/** A larger value gets its own buffer, so that keeping it keeps nothing else. */
const maxSharedBytes = 2048;
/** One giant value must not keep its memory for ever. */
const maxScratchBytes = 4 << 20;

/** Takes the place of the bytes of one value and writes the items of its body that hold no other items. */
export class ValueWriter extends TextWriter {
  /** For group keys: 0 and -0 are one. */
  protected canonical = false;
  /** Where this value's bytes begin. */
  protected start = 0;
  private slab = this.buffer;
  /** Where this value began in the slab, when it went on in the scratch buffer. */
  private slabStart = 0;
  private scratch: Uint8Array | undefined;

  constructor() {
    super(slabBytes);
  }

  protected begin(): void {
    if (slabBytes - this.position < 512) {
      this.slab = new Uint8Array(slabBytes);
      this.use(this.slab, 0);
    }
    this.start = this.position;
    this.byte(valueVersion << 4);
  }

  /** The bytes written since `begin`. */
  protected take(): Uint8Array {
    const { start, position } = this;
    if (this.buffer === this.slab && position - start <= maxSharedBytes) {
      this.start = position;
      return this.buffer.subarray(start, position);
    }
    return new Uint8Array(this.buffer.subarray(start, position));
  }

  /** Gives up what was written and not taken. */
  protected rewind(): void {
    if (this.buffer === this.slab) {
      this.position = this.start;
      return;
    }
    // A value moved to the scratch buffer in the middle; what it left in the slab is overwritten by the next.
    if (this.scratch!.length > maxScratchBytes) this.scratch = undefined;
    this.use(this.slab, this.slabStart);
  }

  override ensure(count: number): void {
    const written = this.position - this.start;
    if (this.position + count <= this.buffer.length) return;
    const from = this.buffer;
    if (from === this.slab) this.slabStart = this.start;
    if (from === this.scratch || !this.scratch || this.scratch.length < written + count)
      this.scratch = new Uint8Array(Math.max(65_536, (written + count) * 2));
    this.scratch.set(from.subarray(this.start, this.position));
    this.start = 0;
    this.use(this.scratch, written);
  }

  protected number(value: number): void {
    if ((value | 0) === value && (value !== 0 || this.canonical || 1 / value > 0)) {
      if (value >= 0) {
        if (value < 128) {
          this.byte(tags.shortInt | value);
        } else {
          this.byte(tags.int);
          this.varint(value);
        }
      } else {
        this.byte(tags.negativeInt);
        this.varint(-1 - value);
      }
      return;
    }
    this.byte(tags.float64);
    this.double(value);
  }

  protected double(value: number): void {
    // One bit pattern for NaN, whatever the engine holds.
    this.float64(value !== value ? NaN : value);
  }

  protected bigint(value: bigint): void {
    this.byte(value < 0n ? tags.negativeBigint : tags.bigint);
    let hex = (value < 0n ? -value : value).toString(16);
    if (hex === "0") hex = "";
    if (hex.length % 2 === 1) hex = `0${hex}`;
    const length = hex.length / 2;
    this.varint(length);
    this.ensure(length);
    for (let i = length - 1; i >= 0; i--)
      this.buffer[this.position++] = parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  }

  protected string(value: string): void {
    const { length } = value;
    this.ensure(length + 8);
    const before = this.position;
    if (length < 64) {
      this.buffer[this.position++] = tags.shortString | length;
    } else {
      this.byte(tags.string);
      this.varint(length);
    }
    if (this.latin1(value)) return;
    this.position = before;
    this.byte(tags.wideString);
    this.wide(value);
  }
}
