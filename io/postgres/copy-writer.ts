import type { Cell } from "../table/table-row.js";
import type { PostgresType } from "./cell-text.js";

const chunkBytes = 1 << 18;

/** "PGCOPY\n", bytes that a change of line ends would damage, no flags, no extension. */
const header = Buffer.from([
  0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/** PostgreSQL counts microseconds from the year 2000. */
const epochMs = Date.UTC(2000, 0, 1);

/**
 * Rows in COPY's binary format, in chunks: no text has to be escaped and no number, time or byte string written out, neither here nor by the server.
 * A chunk is valid until the next is asked for.
 */
export function* copyChunks(
  types: readonly PostgresType[],
  rows: Iterable<readonly Cell[]>,
): Generator<Buffer> {
  const writer = new CopyWriter();
  writer.bytes(header);
  for (const row of rows) {
    writer.int16(types.length);
    for (let i = 0; i < types.length; i++) writer.cell(row[i] ?? null, types[i]!);
    if (writer.length >= chunkBytes) yield writer.take();
  }
  writer.int16(-1);
  yield writer.take();
}

class CopyWriter {
  private buffer = Buffer.allocUnsafe(2 * chunkBytes);
  length = 0;

  take(): Buffer {
    const chunk = this.buffer.subarray(0, this.length);
    this.length = 0;
    return chunk;
  }

  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  int16(value: number): void {
    this.reserve(2);
    this.length = this.buffer.writeInt16BE(value, this.length);
  }

  cell(cell: Cell, type: PostgresType): void {
    if (cell === null) this.int32(-1);
    else if (typeof cell === "string") this.text(cell);
    else if (typeof cell === "bigint") this.int64(cell);
    else if (typeof cell === "boolean") this.flag(cell);
    else if (cell instanceof Uint8Array) this.binary(cell);
    else if (cell instanceof Date) this.time(cell.getTime());
    else if (type === "double precision") this.double(cell);
    else if (type === "integer") this.short(cell);
    else this.whole(cell);
  }

  private int32(value: number): void {
    this.reserve(4);
    this.length = this.buffer.writeInt32BE(value, this.length);
  }

  private text(text: string): void {
    // A UTF-16 unit has three bytes at most.
    this.reserve(4 + 3 * text.length);
    const bytes = this.buffer.write(text, this.length + 4);
    this.buffer.writeInt32BE(bytes, this.length);
    this.length += 4 + bytes;
  }

  private binary(bytes: Uint8Array): void {
    this.int32(bytes.length);
    this.bytes(bytes);
  }

  private flag(flag: boolean): void {
    this.int32(1);
    this.reserve(1);
    this.buffer[this.length++] = flag ? 1 : 0;
  }

  private short(value: number): void {
    this.int32(4);
    this.int32(value);
  }

  private double(value: number): void {
    this.int32(8);
    this.reserve(8);
    this.length = this.buffer.writeDoubleBE(value, this.length);
  }

  private int64(value: bigint): void {
    this.int32(8);
    this.reserve(8);
    this.length = this.buffer.writeBigInt64BE(value, this.length);
  }

  /** A safe integer, without a BigInt in between. */
  private whole(value: number): void {
    this.int32(8);
    this.reserve(8);
    const high = Math.floor(value / 2 ** 32);
    this.length = this.buffer.writeInt32BE(high, this.length);
    this.length = this.buffer.writeUInt32BE(value - high * 2 ** 32, this.length);
  }

  /** The microseconds of some three centuries around 2000 are safe integers. */
  private time(ms: number): void {
    const since = ms - epochMs;
    if (Math.abs(since) < 9e12) this.whole(since * 1000);
    else this.int64(BigInt(since) * 1000n);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, this.length + bytes));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}
