import { randomUUID } from "node:crypto";
import { type AsyncDoFn, inGlobalWindow, registerFunctions, type WindowedValue } from "../../beam/index.js";
import { type Origin, type SnapshotRecord } from "../../snapshot/index.js";
import { fileSystemOf } from "../file/file-system.js";
import { joinPath } from "../file/join-path.js";
import { openTempFolder, removeAbandoned } from "../file/temp-folder.js";
import { nodePlatform } from "../node-platform.js";
import { type Destination, destinationOf } from "./destination.js";
import { RecordArena } from "./record-arena.js";
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

/** The records of one destination and bucket that are still in memory. */
interface Pending {
  readonly destination: string;
  readonly bucket: number;
  /** Their numbers in the arena. */
  readonly numbers: number[];
  /** Until one comes before its predecessor. Records of sorted snapshots come in order. */
  sorted: boolean;
  store: string;
  keyBytes: Uint8Array;
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

/** Per record, beside its bytes: its number, and what sorting needs for a while. */
const overheadBytes = 16;

/**
 * Sorts a bundle's records by destination, bucket, object store and key, in memory of a fixed size: what is more goes to temporary files, sorted,
 * to be merged when all shards are written. Records are copied, not decoded.
 */
export class SpillRuns implements AsyncDoFn<SnapshotRecord, RunTotals> {
  readonly beamName = "sortRecords";
  readonly prefix: string;
  readonly tempFolder: string;
  readonly destination: Destination | "store";
  readonly database: string | undefined;
  readonly buckets: number;
  readonly memoryBytes: number;
  private arena: RecordArena | undefined;
  private pending: Map<string, Pending[]> | undefined;
  private pendingBytes = 0;
  private totals: Map<string, Totals> | undefined;

  constructor(parts: {
    readonly prefix: string;
    readonly tempFolder: string;
    readonly destination: Destination | "store";
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
    this.arena = new RecordArena();
    this.pending = new Map();
    this.pendingBytes = 0;
    this.totals = new Map();
    await removeAbandoned(this.prefix, this.tempFolder);
    openTempFolder(this.tempFolder);
  }

  process(record: SnapshotRecord): undefined | Promise<undefined> {
    const destination = destinationOf(this.destination, record);
    const { store, keyBytes } = record;
    const bucket = bucketOf(store, keyBytes, this.buckets);
    this.count(destination, record);
    const pending = this.pendingOf(destination, bucket);
    if (pending.sorted && pending.numbers.length > 0) pending.sorted = compareIdentity(pending, record) <= 0;
    pending.store = store;
    pending.keyBytes = keyBytes;
    // A copy: the record may be a view of a whole block, which it must not keep in memory.
    const arena = this.arena!;
    const number = arena.add(record, this.database);
    pending.numbers.push(number);
    this.pendingBytes += arena.lengthOf(number) + overheadBytes;
    return this.pendingBytes >= this.memoryBytes ? this.spill() : undefined;
  }

  private pendingOf(destination: string, bucket: number): Pending {
    let buckets = this.pending!.get(destination);
    if (!buckets) this.pending!.set(destination, (buckets = []));
    return (buckets[bucket] ??= {
      destination,
      bucket,
      numbers: [],
      sorted: true,
      store: "",
      keyBytes: new Uint8Array(0),
    });
  }

  async finishBundle(): Promise<WindowedValue<RunTotals>[]> {
    if (this.pendingBytes > 0) await this.spill();
    const totals: RunTotals[] = [...this.totals!.values()];
    this.totals = undefined;
    this.arena = undefined;
    this.pending = undefined;
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
    const arena = this.arena!;
    const groups = [...this.pending!.values()].flatMap((buckets) => Object.values(buckets));
    groups.sort(compareGroups);
    this.pending = new Map();
    this.pendingBytes = 0;
    const path = joinPath(this.tempFolder, `run-${randomUUID()}`);
    const file = await fileSystemOf(path).create(path, { temporary: true });
    try {
      const run = new RunWriter(file);
      for (const group of groups) {
        const offset = run.offset;
        for (const number of inOrder(group, arena)) {
          const wait = run.add(arena, number);
          if (wait) await wait;
        }
        await run.flush();
        const segment = { path, bucket: group.bucket, offset, length: run.offset - offset };
        this.totals!.get(group.destination)!.segments.push(segment);
      }
      await file.close();
    } catch (error) {
      await file.abort();
      throw error;
    }
    arena.reset();
    return undefined;
  }
}

function inOrder({ sorted, numbers }: Pending, arena: RecordArena): readonly number[] {
  if (sorted) return numbers;
  return numbers
    .map((number) => ({ number, store: arena.storeOf(number), keyBytes: arena.key(number) }))
    .sort(compareIdentity)
    .map(({ number }) => number);
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

function compareGroups(a: Pending, b: Pending): number {
  if (a.destination !== b.destination) return a.destination < b.destination ? -1 : 1;
  return a.bucket - b.bucket;
}

registerFunctions("beam-indexeddb/io", { SpillRuns });
