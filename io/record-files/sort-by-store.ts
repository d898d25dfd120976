import {
  asyncParDo,
  atRunEnd,
  groupBy,
  parDo,
  type PCollection,
  reshuffle,
  withName,
} from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { fileSystemOf } from "../file/file-system.js";
import { automaticBuckets, PlanShards, type ShardTask } from "../indexeddb/plan-shards.js";
import { type RunTotals, SpillRuns } from "../indexeddb/spill-runs.js";

/** Where records are sorted, and into how many parts. */
export interface SortPlace {
  /** Path and beginning of the names of what is written in the end: abandoned folders of earlier runs are found by it. */
  readonly prefix: string;
  readonly tempFolder: string;
  /** Memory for sorting, a bundle. */
  readonly memoryBytes: number;
  /** Parts a store; 0: as many as `maxBytesPerShard` asks for. */
  readonly numShards: number;
  readonly maxBytesPerShard: number;
}

/**
 * Sorts records by database, object store and key into runs on disk, and gives the parts of each store: what neither has to be held in memory nor read again to be looked
 * at more than once. The folder is removed at the end of the run.
 */
export function sortByStore(
  records: PCollection<SnapshotRecord>,
  { prefix, tempFolder, memoryBytes, numShards, maxBytesPerShard }: SortPlace,
): PCollection<ShardTask> {
  atRunEnd(records, () => fileSystemOf(tempFolder).deleteFolder(tempFolder));
  const spill = new SpillRuns({
    prefix,
    tempFolder,
    memoryBytes,
    destination: "store",
    database: undefined,
    buckets: numShards || automaticBuckets,
  });
  return records
    .apply(asyncParDo<SnapshotRecord, RunTotals>(spill, { concurrency: 1 }))
    .apply(withName("byStore", groupBy<RunTotals, string>("destination")))
    .apply(withName("planShards", parDo(new PlanShards(numShards, maxBytesPerShard, undefined))))
    .apply(withName("spreadShards", reshuffle<ShardTask>()));
}
