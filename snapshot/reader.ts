import type { Attachment } from "./attachment.js";
import type { ByteSource } from "./byte-source.js";
import { flattenBatches } from "./flatten-batches.js";
import { type Footer, readFooter } from "./footer.js";
import { FrameReader, type ReadOptions } from "./frame-reader.js";
import { compareKeyBytes, encodeKey } from "./key.js";
import { type Platform, webPlatform } from "./platform.js";
import type { SnapshotRecord } from "./record.js";
import { toHex } from "./hex.js";

/**
 * Reads a whole snapshot by ranges: opening takes one read from the end of the file (two when it is large), a key takes one more. Every
 * byte that is read is checked by its CRC; `verify` checks those that nobody reads, too.
 *
 * @example
 * const reader = await SnapshotReader.open(bytesSource(bytes));
 * for await (const record of reader.records({ stores: ["notes"] })) console.log(record.key, record.value);
 */
export class SnapshotReader extends FrameReader {
  private constructor(source: ByteSource, platform: Platform, footer: Footer) {
    super(source, platform, footer);
  }

  /**
   * @throws SnapshotError SNAPSHOT_EMPTY, SNAPSHOT_BAD_MAGIC, SNAPSHOT_VERSION_UNSUPPORTED, SNAPSHOT_TRUNCATED (see recoverSnapshot),
   *   SNAPSHOT_CHECKSUM_MISMATCH, SNAPSHOT_MALFORMED
   */
  static async open(
    source: ByteSource,
    options: { readonly platform?: Platform | undefined } = {},
  ): Promise<SnapshotReader> {
    const platform = options.platform ?? webPlatform;
    return new SnapshotReader(source, platform, await readFooter(source, platform));
  }

  /** Records in file order: store by store, ascending keys. */
  records(options: ReadOptions = {}): AsyncGenerator<SnapshotRecord, void, undefined> {
    return flattenBatches(this.recordBatches(options));
  }

  /** The record with this key, or undefined; reads one block. */
  async get(store: string, key: unknown): Promise<SnapshotRecord | undefined> {
    const keyBytes = encodeKey(key);
    for (const block of this.blocksOf({ stores: [store], keyRange: { lower: key, upper: key } })) {
      const found = find(await this.readBlock(block), keyBytes);
      if (found) return found;
    }
    return undefined;
  }

  /** Hashes of the contents in the file, as hexadecimal text. */
  attachmentHashes(): readonly string[] {
    return [...this.parts.keys()];
  }

  override attachment(sha256: Uint8Array): Attachment | undefined {
    const content = super.attachment(sha256);
    if (!content) return undefined;
    const { size } = content;
    const parts = this.parts.get(toHex(sha256))!;
    const read = (from: number, to: number) => this.attachmentParts(parts, from, to);
    return {
      ...content,
      async slice(start, end) {
        if (!(start >= 0 && start <= end && end <= size))
          throw new RangeError(`An attachment of ${size} bytes has no range ${start} to ${end}.`);
        const result = new Uint8Array(end - start);
        let at = 0;
        for await (const part of read(start, end)) {
          result.set(part, at);
          at += part.length;
        }
        return result;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function find(records: readonly SnapshotRecord[], keyBytes: Uint8Array): SnapshotRecord | undefined {
  let low = 0;
  let high = records.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = compareKeyBytes(records[middle]!.keyBytes, keyBytes);
    if (order === 0) return records[middle];
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
