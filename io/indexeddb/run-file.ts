import { type ByteSource, SnapshotError, type SnapshotRecord } from "../../snapshot/index.js";
import type { FileWriter } from "../file/file-system.js";
import { nodePlatform } from "../node-platform.js";
import { decodeEntry, decodeKind, type RecordArena } from "./record-arena.js";

/**
 * A run is a temporary file of sorted records, in chunks: length and CRC (uint32 each), then the entries of a RecordArena. A kind that the chunk has
 * not had yet is declared before its first record: length of what follows, its number with the highest bit set (uint32 each), its bytes. A run lives
 * for one pipeline run and is read by the same version that wrote it.
 */
export const chunkBytes = 256 << 10;
const chunkHead = 8;
const declaration = 0x80000000;

/** Collects records of an arena and writes them in chunks. */
export class RunWriter {
  private readonly file: FileWriter;
  private chunk = Buffer.alloc(chunkBytes);
  private filled = chunkHead;
  private declared = new Set<number>();
  private lastKind = -1;
  /** Bytes written so far: where the next segment starts. */
  offset = 0;

  constructor(file: FileWriter) {
    this.file = file;
  }

  /** Await the promise when there is one. */
  add(arena: RecordArena, number: number): undefined | Promise<void> {
    const kind = arena.kindNumber(number);
    if (kind === this.lastKind && this.filled + arena.lengthOf(number) <= this.chunk.length) {
      this.append(arena.entry(number));
      return undefined;
    }
    const entry = arena.entry(number);
    const kindBytes = arena.kindBytes(kind);
    const needed = entry.length + 8 + kindBytes.length;
    if (this.filled + needed <= this.chunk.length) {
      this.addOf(kind, kindBytes, entry);
      return undefined;
    }
    return this.flush().then(() => {
      if (chunkHead + needed > this.chunk.length) this.chunk = Buffer.alloc(chunkHead + needed);
      this.addOf(kind, kindBytes, entry);
    });
  }

  private addOf(kind: number, kindBytes: Uint8Array, entry: Uint8Array): void {
    if (!this.declared.has(kind)) {
      this.declared.add(kind);
      this.chunk.writeUInt32LE(4 + kindBytes.length, this.filled);
      this.chunk.writeUInt32LE((declaration | kind) >>> 0, this.filled + 4);
      this.filled += 8;
      this.append(kindBytes);
    }
    this.lastKind = kind;
    this.append(entry);
  }

  private append(bytes: Uint8Array): void {
    this.chunk.set(bytes, this.filled);
    this.filled += bytes.length;
  }

  /** Ends a chunk, so that another segment, or records of another arena, can follow. */
  async flush(): Promise<void> {
    if (this.filled === chunkHead) return;
    const bytes = this.chunk.subarray(0, this.filled);
    bytes.writeUInt32LE(this.filled - chunkHead, 0);
    bytes.writeUInt32LE(nodePlatform.crc32(bytes.subarray(chunkHead)), 4);
    await this.file.write(bytes);
    this.offset += bytes.length;
    this.filled = chunkHead;
    this.declared = new Set();
    this.lastKind = -1;
    if (this.chunk.length > chunkBytes) this.chunk = Buffer.alloc(chunkBytes);
  }
}

/** The records of a segment, in order; holds one chunk in memory. */
export class RunReader {
  private readonly source: ByteSource;
  private readonly end: number;
  private at: number;
  private chunk: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  private position = 0;
  private kinds = new Map<number, SnapshotRecord>();

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
    const { view } = this;
    for (;;) {
      const start = this.position;
      const end = start + 4 + view.getUint32(start, true);
      const kind = view.getUint32(start + 4, true);
      this.position = end;
      if (kind < declaration) return decodeEntry(this.chunk, view, start, this.kinds.get(kind)!);
      this.kinds.set(kind - declaration, decodeKind(this.chunk.subarray(start + 8, end)));
    }
  }

  private async load(): Promise<void> {
    const head = Buffer.from(await this.source.slice(this.at, this.at + chunkHead));
    const length = head.readUInt32LE(0);
    const start = this.at + chunkHead;
    if (start + length > this.end) throw this.damaged();
    const chunk = await this.source.slice(start, start + length);
    if (nodePlatform.crc32(chunk) !== head.readUInt32LE(4)) throw this.damaged();
    this.chunk = chunk;
    this.view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.kinds = new Map();
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
