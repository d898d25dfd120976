import { getHeapStatistics } from "node:v8";
import {
  type Attachment,
  bytesSource,
  type Platform,
  recoverSnapshot,
  SnapshotError,
  SnapshotReader,
  type SnapshotRecord,
  sha256,
  toHex,
  valueAttachments,
} from "../../snapshot/index.js";
import { nodePlatform } from "../../io/node-platform.js";

/** What reading one file came to. */
export interface Examination {
  /** The code of the error that refused it, or undefined when it was read, and verified, as a whole one. */
  readonly refused: string | undefined;
  /** What no input may cause, as text. */
  readonly faults: readonly string[];
  /** Time of the processor, which another program can't take. */
  readonly milliseconds: number;
  /** Growth of heap and buffers while it was read. */
  readonly allocatedBytes: number;
}

/** What is known of an intact file, to compare damaged ones with. */
export interface Known {
  /** All of its records, as text. */
  readonly records: ReadonlySet<string>;
  readonly inOrder: string;
}

/** The records of an intact file. */
export async function know(bytes: Uint8Array): Promise<Known> {
  const reader = await SnapshotReader.open(bytesSource(bytes), { platform: nodePlatform });
  await reader.verify();
  const records: string[] = [];
  for await (const record of reader.records()) records.push(identity(record));
  return { records: new Set(records), inOrder: records.join("\n") };
}

/**
 * Reads a file in every way that there is (open, records, one key, attachments, verify, recover) and decodes all keys and values.
 * `intact`: the files that it may be, when its checksums were not forged: it is then one of them or must not pass as whole, and whatever
 * is recovered from it must be theirs.
 */
export async function examine(
  bytes: Uint8Array,
  intact: readonly Known[] | undefined,
  platform: Platform = nodePlatform,
): Promise<Examination> {
  const faults: string[] = [];
  const before = memory();
  const started = process.cpuUsage();
  const attempt = async (what: string, work: () => Promise<void>): Promise<string | undefined> => {
    try {
      await work();
      return undefined;
    } catch (error) {
      if (error instanceof SnapshotError) return error.code;
      faults.push(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return "crash";
    }
  };
  const refused = await attempt("read", () => readAll(bytes, platform, intact, faults));
  await attempt("recover", () => recoverAll(bytes, platform, intact, faults));
  const { user, system } = process.cpuUsage(started);
  return {
    refused,
    faults,
    milliseconds: (user + system) / 1000,
    allocatedBytes: memory() - before,
  };
}

function memory(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

async function readAll(
  bytes: Uint8Array,
  platform: Platform,
  intact: readonly Known[] | undefined,
  faults: string[],
): Promise<void> {
  const reader = await SnapshotReader.open(bytesSource(bytes), { platform });
  const read: string[] = [];
  let failure: SnapshotError | undefined;
  for (const block of reader.blocks) {
    try {
      for (const record of await reader.readBlock(block)) {
        read.push(identity(record));
        decode(record, faults);
      }
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      failure ??= error;
    }
  }
  const first = reader.blocks[0];
  if (first) await reader.get(first.store, 1).catch(orSnapshotError);
  for (const hash of reader.attachmentHashes()) {
    try {
      const attachment = reader.attachment(Buffer.from(hash, "hex"));
      if (attachment) await contentOf(attachment);
    } catch (error) {
      orSnapshotError(error);
    }
  }
  if (intact && failure === undefined) {
    const inOrder = read.join("\n");
    if (!intact.some((known) => known.inOrder === inOrder))
      faults.push("read as a whole file with other records");
  }
  await reader.verify();
  if (failure !== undefined) {
    faults.push("verified, though a block could not be read");
    throw failure;
  }
}

async function recoverAll(
  bytes: Uint8Array,
  platform: Platform,
  intact: readonly Known[] | undefined,
  faults: string[],
): Promise<void> {
  const recovered = await recoverSnapshot(bytesSource(bytes), { platform });
  let count = 0;
  const hashes = new Map<string, Uint8Array>();
  const blocks = recovered.records();
  const next = async () => {
    try {
      return await blocks.next();
    } catch (error) {
      orSnapshotError(error);
      faults.push(`recovery ends at a block that was said to be intact: ${String(error)}`);
      return { done: true as const, value: undefined };
    }
  };
  for (let step = await next(); step.done !== true; step = await next()) {
    const record = step.value;
    count++;
    decode(record, faults);
    if (intact && recovered.headerIntact && !intact.some(({ records }) => records.has(identity(record))))
      faults.push(`recovered a record that never was: ${record.describe()}`);
    if (!record.valueBytes) continue;
    try {
      for (const { sha256: hash } of valueAttachments(record.valueBytes)) hashes.set(toHex(hash), hash);
    } catch (error) {
      orSnapshotError(error);
    }
  }
  if (count !== recovered.recordsIntact)
    faults.push(`recovered ${count} records where ${recovered.recordsIntact} are said to be intact`);
  for (const [hash, sha] of hashes) {
    const attachment = recovered.attachment(sha);
    if (!attachment) continue;
    try {
      const content = await contentOf(attachment);
      if (intact && toHex(sha256(content)) !== hash) faults.push("recovered an attachment that never was");
    } catch (error) {
      orSnapshotError(error);
    }
  }
}

async function contentOf(attachment: Attachment): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of attachment.stream()) parts.push(part);
  return Buffer.concat(parts);
}

/** A damaged key or value is refused by itself: the others are still there. */
function decode(record: SnapshotRecord, faults: string[]): void {
  const decoders = { key: () => record.key, value: () => record.value };
  for (const part of ["key", "value"] as const) {
    try {
      decoders[part]();
    } catch (error) {
      if (error instanceof SnapshotError) continue;
      const stack = error instanceof Error ? (error.stack ?? "") : String(error);
      const hex = Buffer.from((part === "key" ? record.keyBytes : record.valueBytes) ?? []).toString("hex");
      faults.push(`${part} ${hex}: ${stack}`);
    }
  }
}

function orSnapshotError(error: unknown): undefined {
  if (!(error instanceof SnapshotError)) throw error;
  return undefined;
}

function identity(record: SnapshotRecord): string {
  const { store, keyBytes, valueBytes, origin, negativeZeros, database } = record;
  const hex = (bytes: Uint8Array | undefined) => (bytes ? Buffer.from(bytes).toString("hex") : "deleted");
  // The snapshot's own origin has its id, which a file without a footer does not tell.
  return [
    database,
    store,
    hex(keyBytes),
    hex(valueBytes),
    origin.device,
    origin.capturedAt,
    negativeZeros?.join(),
  ].join(" ");
}
