import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { type AsyncDoFn, inGlobalWindow, registerFunctions, type WindowedValue } from "../../beam/index.js";
import { encodeRecord, type Origin, type SnapshotRecord } from "../../snapshot/index.js";
import { fileSystemOf } from "../file/file-system.js";
import { openTempFolder, removeAbandoned } from "../file/temp-folder.js";
import { nodePlatform } from "../node-platform.js";
import { type Destination, destinationOf } from "./destination.js";
import { compareIdentity } from "./record-order.js";
import { RunWriter } from "./run-file.js";

/** A sorted stretch of a run file: the records of one destination that fall into one bucket. */
export interface RunSegment {
  readonly path: string;
  readonly bucket: number;
  readonly offset: number;
  readonly length: number;
}

/** What a bundle has put aside for one destination. Sums are of all its records, so that they don't depend on how these were bundled. */
export interface RunTotals {
  readonly destination: string;
  /** Names of the databases its records come from. */
  readonly databases: readonly string[];
  readonly devices: readonly string[];
  readonly capturedAt: number;
  readonly records: number;
  readonly bytes: number;
  /** Two sums over the records' checksums: what the set of shards is named after. */
  readonly sums: readonly [number, number];
  readonly segments: readonly RunSegment[];
}

interface Pending {
  readonly destination: string;
  readonly bucket: number;
  readonly store: string;
  readonly keyBytes: Uint8Array;
  readonly encoded: Uint8Array;
}

/** RunTotals in the making. */
interface Totals {
  readonly destination: string;
  readonly databases: string[];
  readonly devices: string[];
  capturedAt: number;
  records: number;
  bytes: number;
  readonly sums: [number, number];
  readonly segments: RunSegment[];
}

/** Per record, beside its bytes: the objects that hold them. */
const overheadBytes = 160;

/**
 * Sorts a bundle's records by destination, bucket, object store and key, in memory of a fixed size: what is more goes to temporary files, sorted,
 * to be merged when all shards are written. Records are copied, not decoded.
 */
export class SpillRuns implements AsyncDoFn<SnapshotRecord, RunTotals> {
  readonly beamName = "sortRecords";
  readonly prefix: string;
  readonly tempFolder: string;
  readonly destination: Destination;
  readonly database: string | undefined;
  readonly buckets: number;
  readonly memoryBytes: number;
  private pending: Pending[] | undefined;
  private pendingBytes = 0;
  private totals: Map<string, Totals> | undefined;

  constructor(parts: {
    readonly prefix: string;
    readonly tempFolder: string;
    readonly destination: Destination;
    readonly database: string | undefined;
    readonly buckets: number;
    readonly memoryBytes: number;
  }) {
    this.prefix = parts.prefix;
    this.tempFolder = parts.tempFolder;
    this.destination = parts.destination;
    this.database = parts.database;
    this.buckets = parts.buckets;
    this.memoryBytes = parts.memoryBytes;
  }

  async startBundle(): Promise<void> {
    this.pending = [];
    this.pendingBytes = 0;
    this.totals = new Map();
    await removeAbandoned(this.prefix);
    openTempFolder(this.tempFolder);
  }

  process(record: SnapshotRecord): undefined | Promise<undefined> {
    const destination = destinationOf(this.destination, record);
    const { store, keyBytes } = record;
    const bucket = bucketOf(store, keyBytes, this.buckets);
    this.count(destination, record);
    // A copy: the record may be a view of a whole block, which it must not keep in memory.
    const encoded = encodeRecord(
      this.database === undefined ? record : record.with({ database: this.database }),
    );
    this.pending!.push({ destination, bucket, store, keyBytes: keyBytes.slice(), encoded });
    this.pendingBytes += encoded.length + keyBytes.length + overheadBytes;
    return this.pendingBytes >= this.memoryBytes ? this.spill() : undefined;
  }

  async finishBundle(): Promise<WindowedValue<RunTotals>[]> {
    if (this.pending!.length > 0) await this.spill();
    const totals: RunTotals[] = [...this.totals!.values()];
    this.totals = undefined;
    return totals.map((one) => inGlobalWindow(one));
  }

  private count(destination: string, record: SnapshotRecord): void {
    let totals = this.totals!.get(destination);
    if (!totals) {
      totals = {
        destination,
        databases: [],
        devices: [],
        capturedAt: 0,
        records: 0,
        bytes: 0,
        sums: [0, 0],
        segments: [],
      };
      this.totals!.set(destination, totals);
    }
    const { database, origin, keyBytes, valueBytes } = record;
    if (totals.databases.at(-1) !== database && !totals.databases.includes(database))
      totals.databases.push(database);
    if (totals.devices.at(-1) !== origin.device && !totals.devices.includes(origin.device))
      totals.devices.push(origin.device);
    totals.capturedAt = Math.max(totals.capturedAt, origin.capturedAt);
    totals.records++;
    totals.bytes += keyBytes.length + (valueBytes?.length ?? 0);
    const sum = checksum(record);
    totals.sums[0] = (totals.sums[0] + sum) >>> 0;
    totals.sums[1] = (totals.sums[1] + Math.imul(sum, sum ^ 0x9e3779b9)) >>> 0;
  }

  private async spill(): Promise<undefined> {
    const pending = this.pending!;
    this.pending = [];
    this.pendingBytes = 0;
    pending.sort(comparePending);
    const path = join(this.tempFolder, `run-${randomUUID()}`);
    const file = await fileSystemOf(path).create(path);
    try {
      const run = new RunWriter(file);
      for (let from = 0; from < pending.length;) from = await this.segment(run, path, pending, from);
      await file.close();
    } catch (error) {
      await file.abort();
      throw error;
    }
    return undefined;
  }

  private async segment(
    run: RunWriter,
    path: string,
    pending: readonly Pending[],
    from: number,
  ): Promise<number> {
    const { destination, bucket } = pending[from]!;
    const offset = run.offset;
    let to = from;
    for (; to < pending.length; to++) {
      const one = pending[to]!;
      if (one.bucket !== bucket || one.destination !== destination) break;
      await run.add(one.encoded);
    }
    await run.flush();
    this.totals!.get(destination)!.segments.push({ path, bucket, offset, length: run.offset - offset });
    return to;
  }
}

/** Which of the buckets a record falls into: by its store and key alone, so it is the same on every runner and in every run. */
function bucketOf(store: string, keyBytes: Uint8Array, buckets: number): number {
  return buckets === 1 ? 0 : nodePlatform.crc32(keyBytes, storeSeed(store)) % buckets;
}

const seeds = new Map<string, number>();

function storeSeed(store: string): number {
  let seed = seeds.get(store);
  if (seed === undefined) seeds.set(store, (seed = nodePlatform.crc32(Buffer.from(store, "utf16le"))));
  return seed;
}

function checksum(record: SnapshotRecord): number {
  let sum = nodePlatform.crc32(record.keyBytes, (originSeed(record.origin) ^ storeSeed(record.store)) >>> 0);
  if (record.valueBytes) sum = nodePlatform.crc32(record.valueBytes, sum);
  return record.deleted ? ~sum >>> 0 : sum;
}

const originSeeds = new WeakMap<Origin, number>();

function originSeed(origin: Origin): number {
  let seed = originSeeds.get(origin);
  if (seed === undefined) {
    seed = nodePlatform.crc32(
      Buffer.from(JSON.stringify([origin.device, origin.snapshot, origin.capturedAt, origin.sequence])),
    );
    originSeeds.set(origin, seed);
  }
  return seed;
}

function comparePending(a: Pending, b: Pending): number {
  if (a.destination !== b.destination) return a.destination < b.destination ? -1 : 1;
  return a.bucket - b.bucket || compareIdentity(a, b);
}

registerFunctions("beam-indexeddb/io", { SpillRuns });
