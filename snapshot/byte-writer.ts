/** A growing byte buffer. `reset()` keeps the memory, so one writer serves many records; `finish()` copies out what was written. */
export class ByteWriter {
  buffer: Uint8Array;
  position = 0;
  private view: DataView;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  reset(): void {
    this.position = 0;
    // One giant record must not keep its memory for ever.
    if (this.buffer.length > 4 << 20) this.use(new Uint8Array(256), 0);
  }

  /** Goes on in another buffer. */
  protected use(buffer: Uint8Array, position: number): void {
    this.buffer = buffer;
    this.position = position;
    this.view = new DataView(buffer.buffer);
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    const needed = this.position + count;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.position));
    this.use(grown, this.position);
  }

  byte(value: number): void {
    if (this.position === this.buffer.length) this.ensure(1);
    this.buffer[this.position++] = value;
  }

  /** Unsigned LEB128 of an integer from 0 to 2^53 - 1. */
  varint(value: number): void {
    this.ensure(8);
    const buffer = this.buffer;
    let at = this.position;
    // Above 31 bits the bitwise operators would wrap.
    while (value > 0x7fffffff) {
      buffer[at++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    while (value > 0x7f) {
      buffer[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    buffer[at++] = value;
    this.position = at;
  }

  uint32(value: number): void {
    this.ensure(4);
    this.view.setUint32(this.position, value, true);
    this.position += 4;
  }

  float64(value: number): void {
    this.ensure(8);
    this.view.setFloat64(this.position, value, true);
    this.position += 8;
  }

  bytes(value: Uint8Array): void {
    this.ensure(value.length);
    this.buffer.set(value, this.position);
    this.position += value.length;
  }

  /** What was written, as a view that the next write may overwrite. */
  peek(): Uint8Array {
    return this.buffer.subarray(0, this.position);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.position);
  }
}
