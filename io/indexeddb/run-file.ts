import { type ByteSource, decodeRecord, SnapshotError, type SnapshotRecord } from "../../snapshot/index.js";
import type { FileWriter } from "../file/file-system.js";
import { nodePlatform } from "../node-platform.js";

/**
 * A run is a temporary file of sorted records, in chunks: length and CRC (uint32 each), then records as `encodeRecord` writes them, each with
 * its length (uint32) in front. It lives for one pipeline run and is read by the same version that wrote it.
 */
export const chunkBytes = 256 << 10;
const chunkHead = 8;

/** Collects encoded records and writes them in chunks. */
export class RunWriter {
  private readonly file: FileWriter;
  private chunk = Buffer.alloc(chunkBytes);
  private filled = chunkHead;
  /** Bytes written so far: where the next segment starts. */
  offset = 0;

  constructor(file: FileWriter) {
    this.file = file;
  }

  async add(encoded: Uint8Array): Promise<void> {
    if (this.filled + 4 + encoded.length > this.chunk.length) {
      await this.flush();
      if (chunkHead + 4 + encoded.length > this.chunk.length)
        this.chunk = Buffer.alloc(chunkHead + 4 + encoded.length);
    }
    this.chunk.writeUInt32LE(encoded.length, this.filled);
    this.chunk.set(encoded, this.filled + 4);
    this.filled += 4 + encoded.length;
  }

  /** Ends a chunk, so that another segment can start. */
  async flush(): Promise<void> {
    if (this.filled === chunkHead) return;
    const bytes = this.chunk.subarray(0, this.filled);
    bytes.writeUInt32LE(this.filled - chunkHead, 0);
    bytes.writeUInt32LE(nodePlatform.crc32(bytes.subarray(chunkHead)), 4);
    await this.file.write(bytes);
    this.offset += bytes.length;
    this.filled = chunkHead;
    if (this.chunk.length > chunkBytes) this.chunk = Buffer.alloc(chunkBytes);
  }
}

/** The records of a segment, in order; holds one chunk in memory. */
export class RunReader {
  private readonly source: ByteSource;
  private readonly end: number;
  private at: number;
  private chunk: Buffer = Buffer.alloc(0);
  private position = 0;

  constructor(source: ByteSource, offset: number, length: number) {
    this.source = source;
    this.at = offset;
    this.end = offset + length;
  }

  /** The next record at once, undefined at the end, or a promise where a chunk must be read first. */
  next(): SnapshotRecord | undefined | Promise<SnapshotRecord | undefined> {
    if (this.position < this.chunk.length) return this.take();
    if (this.at >= this.end) return undefined;
    return this.load().then(() => this.take());
  }

  private take(): SnapshotRecord {
    const length = this.chunk.readUInt32LE(this.position);
    const start = this.position + 4;
    this.position = start + length;
    return decodeRecord(this.chunk.subarray(start, this.position));
  }

  private async load(): Promise<void> {
    const head = Buffer.from(await this.source.slice(this.at, this.at + chunkHead));
    const length = head.readUInt32LE(0);
    const start = this.at + chunkHead;
    if (start + length > this.end) throw this.damaged();
    const chunk = await this.source.slice(start, start + length);
    if (nodePlatform.crc32(chunk) !== head.readUInt32LE(4)) throw this.damaged();
    this.chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.position = 0;
    this.at = start + length;
  }

  private damaged(): SnapshotError {
    return new SnapshotError(
      "FILE_READ_FAILED",
      `The temporary file ${JSON.stringify(this.source.name)} was altered at byte ${this.at}. Run the pipeline again.`,
      { file: this.source.name, offset: this.at },
    );
  }
}
