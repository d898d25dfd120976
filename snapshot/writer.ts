import type { ByteSink } from "./byte-source.js";
import { crc32 } from "./crc32.js";
import { SnapshotError } from "./error.js";
import { compressions, encodeFrameHead, encodeStart, encodeTrailer, frameKinds, syncBytes } from "./frame.js";
import { headerToMessage, type SnapshotHeader } from "./header.js";
import { compareKeyBytes } from "./key.js";
import { decodeKey } from "./decode-key.js";
import { compressedFooterBytes, limits } from "./limits.js";
import { footerMessage, type FrameEntryMessage, type FrameHeader, headerMessage } from "./message-codec.js";
import { type Platform, webPlatform } from "./platform.js";
import type { RecordFrame } from "./record.js";
import { recordError } from "./record-error.js";
import { RecordBlockBuilder } from "./record-block-builder.js";
import type { DatabaseSchema } from "./schema.js";
import { type Sha256 } from "./sha256.js";
import { toHex } from "./hex.js";
import { type SnapshotSummary, summarize, type UnportableCount } from "./summary.js";
import { encodeText } from "./text.js";
import { unknownStore } from "./unknown-store.js";
import { valueAttachments } from "./value-attachments.js";

/** How a snapshot is laid out; the defaults suit files of any size. */
export interface SnapshotWriterOptions {
  /** Raw bytes after which a block is cut, at the next record whose key's hash says so (512 KiB by default, 1 KiB to 8 MiB). */
  readonly blockBytes?: number | undefined;
  /** "deflate" by default; blocks that hardly shrink are stored as they are. */
  readonly compression?: "deflate" | "none" | undefined;
  readonly platform?: Platform | undefined;
}

/** So many blocks may wait for the compressor or the sink before `add` asks to be awaited. */
const maxUnderway = 2;

/**
 * Writes a snapshot front to back, with memory for a few blocks. Records come store by store, with ascending keys; attachments at any time.
 * The same calls give the same bytes, and blocks are cut by content, so that stretches without changes give the same blocks as before.
 *
 * @example
 * const writer = new SnapshotWriter(sink, { database: schema, origin: { device: "phone", capturedAt: Date.now() } });
 * for (const record of records) await writer.add(record);
 * const { id, records } = await writer.finish();
 */
export class SnapshotWriter {
  private readonly sink: ByteSink;
  private readonly header: SnapshotHeader;
  private readonly platform: Platform;
  private readonly target: number;
  private readonly compress: boolean;
  private readonly sync: Uint8Array;
  private readonly id: Sha256;
  private readonly block: RecordBlockBuilder;
  private readonly storeNumbers: ReadonlyMap<string, number>;
  private readonly closedStores = new Set<string>();
  private readonly frames: FrameEntryMessage[] = [];
  private readonly attachments = new Set<string>();
  private readonly referred = new Map<string, { size: number; store: string; keyBytes: Uint8Array }>();
  private store: string | undefined;
  private lastKey: Uint8Array | undefined;
  private patience = { skip: 0, next: 1 };
  private offset = 0;
  private queue: Promise<void> | undefined;
  /** Blocks that are being compressed and written, oldest first. */
  private readonly underway: Promise<void>[] = [];
  private failure: Error | undefined;
  private finished = false;

  constructor(sink: ByteSink, header: SnapshotHeader, options: SnapshotWriterOptions = {}) {
    const target = options.blockBytes ?? 512 << 10;
    if (!Number.isInteger(target) || target < 1 << 10 || target > 8 << 20) {
      throw new TypeError(`blockBytes must be a whole number from 1 KiB to 8 MiB, not ${String(target)}.`);
    }
    this.sink = sink;
    this.header = header;
    this.platform = options.platform ?? webPlatform;
    this.target = target;
    this.compress = options.compression !== "none";
    this.storeNumbers = new Map(header.database.objectStores.map((store, number) => [store.name, number]));
    this.block = new RecordBlockBuilder(target);
    this.id = this.platform.createSha256();
    const payload = headerMessage.encode(headerToMessage(header));
    const marker = this.platform.createSha256();
    marker.update(payload);
    this.sync = marker.digest().subarray(0, syncBytes);
    this.enqueue(() => this.start(payload)).catch(() => undefined);
  }

  /**
   * Adds a record. Await the promise when there is one: it is the back pressure. A few blocks are compressed and written while the next records come, so
   * that what the sink throws may come out of a later call, `finish` at the latest.
   * @throws SnapshotError SNAPSHOT_STORE_UNKNOWN; SNAPSHOT_KEY_ORDER when the key does not come after the one before or the store was left
   *   already; what the sink throws
   */
  add(record: RecordFrame): void | Promise<void> {
    if (this.failure) throw this.failure;
    if (this.finished) throw new TypeError("The snapshot is finished already.");
    if (record.store !== this.store) {
      const switching = this.switchStore(record.store);
      if (switching) return switching.then(() => this.append(record));
    }
    return this.append(record);
  }

  private append(record: RecordFrame): void | Promise<void> {
    const { keyBytes, valueBytes } = record;
    if (this.lastKey && compareKeyBytes(this.lastKey, keyBytes) >= 0)
      throw recordError(
        "SNAPSHOT_KEY_ORDER",
        record.store,
        decodeKey(keyBytes),
        "does not come after the one before: add records in ascending key order, each key once.",
      );
    const size = keyBytes.length + (valueBytes?.length ?? 0) + 16;
    // A record larger than a block stands in a block of its own, which can then be stored without compression when it must.
    const before = this.block.count > 0 && size > this.target ? this.cut() : undefined;
    if (before) return before.then(() => this.put(record));
    return this.put(record);
  }

  private put(record: RecordFrame): void | Promise<void> {
    if (record.valueBytes) this.refer(record);
    this.block.add(record);
    this.lastKey = record.keyBytes;
    return this.isFull(record.keyBytes) ? this.cut() : undefined;
  }

  /** Half the target at least, one and a half at most; in between the key's hash decides, not what was written before. */
  private isFull(keyBytes: Uint8Array): boolean {
    const { length } = this.block;
    const half = this.target >> 1;
    return length >= half && (length >= this.target + half || (crc32(keyBytes) & 0x3f) === 0);
  }

  private refer(record: RecordFrame): void {
    for (const { sha256, size } of valueAttachments(record.valueBytes!)) {
      const hash = toHex(sha256);
      if (!this.attachments.has(hash))
        this.referred.set(hash, { size, store: record.store, keyBytes: record.keyBytes });
    }
  }

  private switchStore(store: string): Promise<void> | undefined {
    if (!this.storeNumbers.has(store)) {
      throw unknownStore(
        `The schema of ${JSON.stringify(this.header.database.name)}`,
        store,
        this.storeNumbers.keys(),
      );
    }
    if (this.closedStores.has(store)) {
      throw new SnapshotError(
        "SNAPSHOT_KEY_ORDER",
        `Object store ${JSON.stringify(store)} was left already: add its records one after the other.`,
        { store },
      );
    }
    const done = this.block.count > 0 ? this.cut() : undefined;
    if (this.store !== undefined) this.closedStores.add(this.store);
    this.store = store;
    this.lastKey = undefined;
    return done;
  }

  private cut(): Promise<void> | undefined {
    const { block } = this;
    const payload = block.finish();
    const first = block.firstKey!;
    const last = block.lastKey!;
    const bound = limits.boundKeyBytes;
    const header = {
      store: this.storeNumbers.get(this.store!)!,
      count: block.count,
      deleted: block.deleted,
      first_key: first.slice(0, bound),
      last_key: last.slice(0, bound),
      cut_keys: (first.length > bound ? 1 : 0) + (last.length > bound ? 2 : 0),
    };
    block.reset();
    const written = this.enqueue(() => {
      if (this.frames.at(-1)?.header.store !== header.store) this.patience = { skip: 0, next: 1 };
      return this.writeFrame(frameKinds.records, payload, header);
    });
    // A failure is kept, and told by the next call.
    written.catch(() => undefined);
    this.underway.push(written);
    return this.underway.length > maxUnderway ? this.underway.shift() : undefined;
  }

  /** True when the content with this hash is in the snapshot already. */
  hasAttachment(sha256: Uint8Array): boolean {
    return this.attachments.has(toHex(sha256));
  }

  /**
   * Adds the content of a Blob, in parts of any length; content that is there already is not written again.
   * @throws SnapshotError SNAPSHOT_ATTACHMENT_MISMATCH when the content has another hash or size than announced: then the snapshot is void
   */
  async addAttachment(
    sha256: Uint8Array,
    size: number,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    if (this.failure) throw this.failure;
    const hash = toHex(sha256);
    if (this.attachments.has(hash)) return;
    this.attachments.add(hash);
    this.referred.delete(hash);
    const running = this.platform.createSha256();
    const part = new Uint8Array(Math.min(limits.attachmentPartBytes, Math.max(1, size)));
    let filled = 0;
    let offset = 0;
    const flush = async (): Promise<void> => {
      const payload = part.slice(0, filled);
      const header = { sha256, offset, size };
      const isFirst = offset === 0;
      offset += filled;
      filled = 0;
      await this.enqueue(() => {
        if (isFirst) this.patience = { skip: 0, next: 1 };
        return this.writeFrame(frameKinds.attachment, payload, header);
      });
    };
    for await (const bytes of content) {
      running.update(bytes);
      for (let at = 0; at < bytes.length;) {
        if (filled === part.length) await flush();
        const take = Math.min(part.length - filled, bytes.length - at);
        part.set(bytes.subarray(at, at + take), filled);
        filled += take;
        at += take;
      }
    }
    if (filled > 0 || offset === 0) await flush();
    if (offset !== size || toHex(running.digest()) !== hash) {
      throw (this.failure = new SnapshotError(
        "SNAPSHOT_ATTACHMENT_MISMATCH",
        `Attachment ${hash.slice(0, 12)}... came as ${offset} bytes with another hash than announced (${size} bytes): its source changed. Write the snapshot again.`,
      ));
    }
  }

  /**
   * Writes what is left and the footer: only now the snapshot is whole.
   * @throws SnapshotError SNAPSHOT_ATTACHMENT_MISSING when a record refers to content that was not added
   */
  async finish(
    totals: {
      /** Next numbers of key generators, where they became known after the header was written. */
      readonly keyGenerators?: ReadonlyMap<string, number> | undefined;
      readonly unportable?: readonly UnportableCount[] | undefined;
    } = {},
  ): Promise<SnapshotSummary> {
    if (this.finished) throw new TypeError("The snapshot is finished already.");
    if (this.block.count > 0) await this.cut();
    await this.queue;
    if (this.failure) throw this.failure;
    this.finished = true;
    this.checkAttachments();
    const unportable = totals.unportable ?? [];
    const database = withGenerators(this.header.database, totals.keyGenerators);
    const id = this.id.digest();
    const payload = footerMessage.encode({
      header: headerToMessage({ ...this.header, database }),
      frames: this.frames,
      id,
      unportable: unportable.map((entry) => ({
        store: encodeText(entry.store),
        type: encodeText(entry.type),
        count: entry.count,
        policy: encodeText(entry.policy),
      })),
    });
    const frames = [...this.frames];
    const footerOffset = this.offset;
    await this.writeFrame(frameKinds.footer, payload, {}, true);
    await this.write(encodeTrailer(footerOffset, this.platform));
    return summarize(toHex(id), this.offset, database, frames, unportable);
  }

  private checkAttachments(): void {
    for (const [hash, { size, store, keyBytes }] of this.referred) {
      throw recordError(
        "SNAPSHOT_ATTACHMENT_MISSING",
        store,
        decodeKey(keyBytes),
        `refers to attachment ${hash.slice(0, 12)}... of ${size} bytes, which was not added.`,
      );
    }
  }

  private async start(payload: Uint8Array): Promise<void> {
    await this.write(encodeStart());
    await this.writeFrame(frameKinds.header, payload, {});
  }

  /** One frame after the other, in the order of the calls; the first failure is every later call's. */
  private enqueue(task: () => Promise<void>): Promise<void> {
    const run = (this.queue ?? Promise.resolve()).then(() => {
      if (this.failure) throw this.failure;
      return task();
    });
    this.queue = run.catch((error: unknown) => {
      this.failure ??= error instanceof Error ? error : new Error(String(error));
    });
    return run;
  }

  private async writeFrame(
    kind: number,
    payload: Uint8Array,
    extra: Partial<FrameHeader>,
    isFooter = false,
  ): Promise<void> {
    const maxRaw = isFooter ? compressedFooterBytes(this.offset) : limits.compressedRawBytes;
    if (payload.length > (isFooter ? limits.footerBytes : limits.blockBytes)) {
      throw new SnapshotError(
        "SNAPSHOT_LIMIT_EXCEEDED",
        `A block of ${payload.length} bytes is over what the format can hold.`,
      );
    }
    const worthwhile = this.compress && payload.length >= 64 && payload.length <= maxRaw;
    const stored = worthwhile && kind !== frameKinds.header ? await this.shrunk(kind, payload) : payload;
    const compression = stored === payload ? compressions.none : compressions.deflateRaw;
    const header: FrameHeader = {
      stored_length: stored.length,
      raw_length: payload.length,
      compression,
      crc: this.platform.crc32(stored),
      ...extra,
    };
    const head = encodeFrameHead(kind, header, this.sync, this.platform);
    if (!isFooter) {
      this.frames.push({ kind, offset: this.offset, header });
      this.id.update(head.subarray(syncBytes));
    }
    await this.write(head);
    await this.write(stored);
  }

  /**
   * Compressed, or the payload itself where that saves little. What does not shrink comes in rows (pictures, encrypted data): after such a block
   * the next 1, 2, 4, at most 8 of its store or content are not tried. So it depends on the content alone, like the cutting of blocks.
   */
  private async shrunk(kind: number, payload: Uint8Array): Promise<Uint8Array> {
    const { patience } = this;
    if (kind !== frameKinds.footer && patience.skip > 0) {
      patience.skip--;
      return payload;
    }
    const deflated = await this.platform.deflateRaw(payload);
    if (deflated.length <= payload.length * 0.95) {
      patience.next = 1;
      return deflated;
    }
    patience.skip = patience.next;
    patience.next = Math.min(8, patience.next * 2);
    return payload;
  }

  private async write(bytes: Uint8Array): Promise<void> {
    this.offset += bytes.length;
    await this.sink.write(bytes);
  }
}

function withGenerators(
  schema: DatabaseSchema,
  numbers: ReadonlyMap<string, number> | undefined,
): DatabaseSchema {
  if (!numbers || numbers.size === 0) return schema;
  return {
    ...schema,
    objectStores: schema.objectStores.map((store) => {
      const currentNumber = numbers.get(store.name);
      return currentNumber === undefined ? store : { ...store, keyGenerator: { currentNumber } };
    }),
  };
}
