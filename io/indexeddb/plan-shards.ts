import { createHash } from "node:crypto";
import { type KV, registerFunctions } from "../../beam/index.js";
import { SnapshotError } from "../../snapshot/index.js";
import type { RunSegment, RunTotals } from "./spill-runs.js";

/** One file to write. */
export interface ShardTask {
  readonly destination: string;
  /** Name of the database; undefined when there was no record to tell. */
  readonly database: string | undefined;
  /** The one device that all records come from, else "". */
  readonly device: string;
  /** The latest capture time of any record. */
  readonly capturedAt: number;
  /** Names the whole result: the same records give the same name. */
  readonly set: string;
  readonly shard: number;
  readonly count: number;
  readonly segments: readonly RunSegment[];
}

/** Buckets where the number of shards is decided by the amount of data: a power of two, so that any smaller one divides it. */
export const automaticBuckets = 64;

/** Decides on the shards of a destination once all its records are known: their number, their names, and which runs each is made of. */
export class PlanShards {
  readonly beamName = "planShards";
  /** 0: as many as the data needs at `maxBytesPerShard`. */
  readonly numShards: number;
  readonly maxBytesPerShard: number;
  readonly database: string | undefined;

  constructor(numShards: number, maxBytesPerShard: number, database: string | undefined) {
    this.numShards = numShards;
    this.maxBytesPerShard = maxBytesPerShard;
    this.database = database;
  }

  *process({ key: destination, value }: KV<string, Iterable<RunTotals>>): Generator<ShardTask> {
    const all = [...value];
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
    const count = this.numShards || shardsFor(bytes, this.maxBytesPerShard);
    const devices = new Set(all.flatMap((one) => one.devices));
    const segments = all.flatMap((one) => one.segments);
    const common = {
      destination,
      database: this.databaseOf(destination, new Set(all.flatMap((one) => one.databases))),
      device: devices.size === 1 ? [...devices][0]! : "",
      capturedAt: all.reduce((latest, one) => Math.max(latest, one.capturedAt), 0),
      set: setName(destination, count, all),
      count,
    };
    for (let shard = 0; shard < count; shard++) {
      yield { ...common, shard, segments: segments.filter(({ bucket }) => bucket % count === shard) };
    }
  }

  private databaseOf(destination: string, names: ReadonlySet<string>): string | undefined {
    if (this.database !== undefined || names.size <= 1) return this.database ?? [...names][0];
    const listed = [...names]
      .sort()
      .map((name) => JSON.stringify(name))
      .join(", ");
    const where = destination === "" ? "one snapshot" : `the snapshot ${JSON.stringify(destination)}`;
    throw new SnapshotError(
      "SNAPSHOT_DATABASE_MIXED",
      `Records of several databases (${listed}) would go to ${where}. Set destination: "database" to write one for each, or database: "NAME" to put them together.`,
    );
  }
}

function shardsFor(bytes: number, maxBytesPerShard: number): number {
  let count = 1;
  while (count < automaticBuckets && bytes > count * maxBytesPerShard) count *= 2;
  return count;
}

/** Sums don't depend on the order or the grouping of the records. */
function setName(destination: string, count: number, all: readonly RunTotals[]): string {
  const sum = (pick: (one: RunTotals) => number) => all.reduce((total, one) => (total + pick(one)) >>> 0, 0);
  const parts = [
    destination,
    count,
    sum(({ records }) => records),
    sum(({ bytes }) => bytes),
    sum(({ sums }) => sums[0]),
    sum(({ sums }) => sums[1]),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

registerFunctions("beam-indexeddb/io", { PlanShards });
