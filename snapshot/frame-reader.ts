import type { Content } from "./attachment.js";
import type { ByteSource } from "./byte-source.js";
import type { SnapshotError } from "./error.js";
import { fileError, type Footer, named } from "./footer.js";
import {
  encodeFrameHead,
  formatVersion,
  frameKinds,
  openPayload,
  startBytes,
  startMagic,
  startsWith,
  syncBytes,
} from "./frame.js";
import { headerFromMessage, type SnapshotHeader } from "./header.js";
import { inFile } from "./in-file.js";
import { compareKeyBytes } from "./key.js";
import { encodeKeyRange, type KeyBytesRange, type KeyRange, positionInRange } from "./key-range.js";
import { limits } from "./limits.js";
import { malformed } from "./malformed.js";
import { type Decoded, type FrameEntryMessage, headerMessage } from "./message-codec.js";
import type { Origin } from "./origin.js";
import type { Platform } from "./platform.js";
import type { SnapshotRecord } from "./record.js";
import { decodeRecordBlock } from "./decode-record-block.js";
import type { DatabaseSchema } from "./schema.js";
import { type Sha256 } from "./sha256.js";
import { toHex } from "./hex.js";
import { type SnapshotSummary, summarize } from "./summary.js";
import { unknownStore } from "./unknown-store.js";

/** Which part of a snapshot is read; default all of it. */
export interface ReadOptions {
  /** Object stores to read, by name; default all. Blocks of others are not touched. */
  readonly stores?: readonly string[] | undefined;
  /** Keys to read, in every one of the stores; blocks outside are not touched. */
  readonly keyRange?: KeyRange | undefined;
}

/** A block of records, as the footer lists it. */
export interface BlockInfo {
  /** Place in the file's list of frames: what `readBlock` takes. */
  readonly number: number;
  readonly offset: number;
  readonly store: string;
  readonly count: number;
  readonly deleted: number;
  /** A lower bound of the keys: the first key, or a prefix of it when it is long. */
  readonly firstKey: Uint8Array;
  /** The last key, or a prefix of it (`lastKeyIsPrefix`). */
  readonly lastKey: Uint8Array;
  readonly lastKeyIsPrefix: boolean;
  readonly rawBytes: number;
  readonly storedBytes: number;
}

/**
 * Reads an opened snapshot block by block, and checks it as a whole: what an import needs, and so all that a page loads. `SnapshotReader` adds what looks for
 * single things.
 */
export class FrameReader {
  readonly header: SnapshotHeader;
  readonly schema: DatabaseSchema;
  readonly summary: SnapshotSummary;
  /** In file order: store by store, ascending keys. */
  readonly blocks: readonly BlockInfo[];
  /** The origin of records that name none of their own. */
  readonly origin: Origin;
  protected readonly source: ByteSource;
  /** The frames of each content, by its hash. */
  protected readonly parts = new Map<string, Decoded<FrameEntryMessage>[]>();
  private readonly platform: Platform;
  private readonly footer: Footer;

  constructor(source: ByteSource, platform: Platform, footer: Footer) {
    this.source = source;
    this.platform = platform;
    this.footer = footer;
    this.header = footer.header;
    this.schema = footer.header.database;
    this.summary = summarize(footer.id, source.byteLength, this.schema, footer.frames, footer.unportable);
    const { device, capturedAt, sequence } = footer.header.origin;
    this.origin = { device, snapshot: footer.id, capturedAt, sequence: sequence ?? 0 };
    this.blocks = footer.frames.flatMap((frame, number) =>
      frame.kind === frameKinds.records ? [this.blockInfo(frame, number)] : [],
    );
    for (const frame of footer.frames) {
      if (frame.kind !== frameKinds.attachment) continue;
      const hash = toHex(frame.header.sha256);
      const parts = this.parts.get(hash);
      if (parts) parts.push(frame);
      else this.parts.set(hash, [frame]);
    }
  }

  private blockInfo({ offset, header }: Decoded<FrameEntryMessage>, number: number): BlockInfo {
    return {
      number,
      offset,
      store: this.schema.objectStores[header.store]!.name,
      count: header.count,
      deleted: header.deleted,
      firstKey: header.first_key,
      lastKey: header.last_key,
      lastKeyIsPrefix: (header.cut_keys & 2) !== 0,
      rawBytes: header.raw_length,
      storedBytes: header.stored_length,
    };
  }

  /** The blocks that may hold records of these stores and keys. @throws SnapshotError SNAPSHOT_STORE_UNKNOWN */
  blocksOf(options: ReadOptions = {}): readonly BlockInfo[] {
    const { stores, keyRange } = options;
    const known = new Set(this.schema.objectStores.map((store) => store.name));
    for (const store of stores ?? []) {
      if (known.has(store)) continue;
      throw unknownStore(named(this.source), store, known, this.source.name);
    }
    const wanted = stores ? new Set(stores) : known;
    const range = keyRange ? encodeKeyRange(keyRange) : undefined;
    return this.blocks.filter((block) => wanted.has(block.store) && (!range || touches(block, range)));
  }

  /** All records of a block. @throws SnapshotError SNAPSHOT_CHECKSUM_MISMATCH, SNAPSHOT_MALFORMED */
  async readBlock(block: BlockInfo): Promise<SnapshotRecord[]> {
    return this.decodeBlock(await this.payload(this.footer.frames[block.number]!), block);
  }

  private decodeBlock(payload: Uint8Array, block: BlockInfo): SnapshotRecord[] {
    const { store } = block;
    const context = { database: this.schema.name, store, origin: this.origin, source: this.source.name };
    try {
      const records = decodeRecordBlock(payload, block.count, context);
      checkOrder(records, block, this.source);
      return records;
    } catch (error) {
      throw inFile(error, this.source.name, block.offset);
    }
  }

  /** Records, a block at a time: the fast way to read many. */
  async *recordBatches(options: ReadOptions = {}): AsyncGenerator<SnapshotRecord[], void, undefined> {
    const range = options.keyRange ? encodeKeyRange(options.keyRange) : undefined;
    for (const block of this.blocksOf(options)) {
      const records = await this.readBlock(block);
      const inside = range
        ? records.filter((record) => positionInRange(record.keyBytes, range) === 0)
        : records;
      if (inside.length > 0) yield inside;
    }
  }

  /** The content of a Blob or File, or undefined when the file does not hold it. */
  attachment(sha256: Uint8Array): Content | undefined {
    const parts = this.parts.get(toHex(sha256));
    if (!parts) return undefined;
    const size = parts[0]!.header.size;
    return { sha256, size, stream: () => this.attachmentParts(parts, 0, size) };
  }

  protected async *attachmentParts(
    parts: readonly Decoded<FrameEntryMessage>[],
    from: number,
    to: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let at = from;
    for (const part of parts) {
      const start = part.header.offset;
      const end = start + part.header.raw_length;
      if (end <= at || start >= to) continue;
      if (start > at) break;
      const bytes = await this.payload(part);
      yield bytes.subarray(at - start, Math.min(end, to) - start);
      at = Math.min(end, to);
    }
    if (at < to) {
      throw fileError(
        "SNAPSHOT_ATTACHMENT_MISSING",
        this.source,
        `lacks a part of an attachment, from its byte ${at}. Get it again.`,
      );
    }
  }

  /** The frame's payload; its head must be, byte by byte, the one that the footer lists. */
  private async payload(frame: Decoded<FrameEntryMessage>): Promise<Uint8Array> {
    const head = encodeFrameHead(frame.kind, frame.header, this.footer.sync, this.platform);
    const end = frame.offset + head.length + frame.header.stored_length;
    if (end > this.footer.offset) throw this.damaged("a block beyond the footer", frame.offset);
    const bytes = await this.source.slice(frame.offset, end);
    if (!startsWith(bytes, head)) throw this.damaged("another block than its footer lists", frame.offset);
    try {
      return await openPayload(frame.header, bytes.subarray(head.length), frame.offset, this.platform);
    } catch (error) {
      throw inFile(error, this.source.name, frame.offset);
    }
  }

  private damaged(what: string, offset: number): SnapshotError {
    return fileError(
      "SNAPSHOT_CHECKSUM_MISMATCH",
      this.source,
      `has ${what} at byte ${offset}: the file was damaged or altered. Get it again, or read what is intact with recoverSnapshot (beam-indexeddb recover).`,
      offset,
    );
  }

  /**
   * Reads everything and checks every byte: magic, each frame against the footer, all checksums, order and count of the records, the hashes
   * of the attachments, the snapshot's id. Resolves when the snapshot is whole and unaltered; rejects at the first fault.
   */
  async verify(onProgress?: (bytesDone: number, bytesTotal: number) => void): Promise<void> {
    const start = await this.source.slice(0, startBytes);
    const version = new DataView(start.buffer, start.byteOffset, startBytes).getUint32(8, true);
    if (!startsWith(start, startMagic) || version !== formatVersion)
      throw this.damaged("an altered beginning", 0);
    const id = this.platform.createSha256();
    const contents = new Map<string, { hash: Sha256; at: number }>();
    let at = startBytes;
    for (const frame of this.footer.frames) {
      if (frame.offset !== at) throw this.damaged("bytes that no frame accounts for", at);
      const head = encodeFrameHead(frame.kind, frame.header, this.footer.sync, this.platform);
      id.update(head.subarray(syncBytes));
      const payload = await this.payload(frame);
      if (frame.kind === frameKinds.records) this.decodeBlock(payload, this.blockInfo(frame, 0));
      else if (frame.kind === frameKinds.attachment) this.verifyPart(frame, payload, contents);
      else if (frame.kind === frameKinds.header) headerFromMessage(headerMessage.decode(payload));
      at += head.length + frame.header.stored_length;
      onProgress?.(at, this.source.byteLength);
    }
    if (at !== this.footer.offset) throw this.damaged("bytes that no frame accounts for", at);
    if (toHex(id.digest()) !== this.summary.id)
      throw this.damaged("another id than its frames", this.footer.offset);
    if (contents.size > 0) throw this.damaged("an incomplete attachment", this.footer.offset);
    this.verifyOrder();
  }

  private verifyPart(
    { header, offset }: Decoded<FrameEntryMessage>,
    payload: Uint8Array,
    contents: Map<string, { hash: Sha256; at: number }>,
  ): void {
    const name = toHex(header.sha256);
    const content = contents.get(name) ?? { hash: this.platform.createSha256(), at: 0 };
    contents.set(name, content);
    if (content.at !== header.offset) throw this.damaged("attachment parts out of order", offset);
    content.hash.update(payload);
    content.at += payload.length;
    if (content.at < header.size) return;
    contents.delete(name);
    if (toHex(content.hash.digest()) !== name) throw this.damaged("an altered attachment", offset);
  }

  private verifyOrder(): void {
    const finished = new Set<string>();
    let before: BlockInfo | undefined;
    for (const block of this.blocks) {
      if (before?.store === block.store) {
        if (compareKeyBytes(before.lastKey, block.firstKey) >= 0 && !before.lastKeyIsPrefix)
          throw this.damaged("blocks out of order", block.offset);
      } else {
        if (before) finished.add(before.store);
        if (finished.has(block.store)) throw this.damaged("blocks out of order", block.offset);
      }
      before = block;
    }
  }

  async close(): Promise<void> {
    await this.source.close?.();
  }
}

function touches(block: BlockInfo, range: KeyBytesRange): boolean {
  if (positionInRange(block.firstKey, range) > 0) return false;
  // A cut last key only says how the last key begins: it may lie anywhere behind that prefix.
  if (block.lastKeyIsPrefix && range.lower && startsWith(range.lower, block.lastKey)) return true;
  return positionInRange(block.lastKey, range) >= 0;
}

function checkOrder(records: readonly SnapshotRecord[], block: BlockInfo, source: ByteSource): void {
  const bound = limits.boundKeyBytes;
  let ordered = records.length > 0;
  for (let i = 1; ordered && i < records.length; i++)
    ordered = compareKeyBytes(records[i - 1]!.keyBytes, records[i]!.keyBytes) < 0;
  const same = (key: Uint8Array, listed: Uint8Array) => compareKeyBytes(key.subarray(0, bound), listed) === 0;
  if (ordered && same(records[0]!.keyBytes, block.firstKey) && same(records.at(-1)!.keyBytes, block.lastKey))
    return;
  throw malformed(
    `The block at byte ${block.offset} of ${named(source)} does not hold its records in key order, or others than it announces`,
    { file: source.name, offset: block.offset, store: block.store },
  );
}
