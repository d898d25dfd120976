import {
  asyncParDo,
  atRunEnd,
  counter,
  counterFamily,
  groupBy,
  type Outputs,
  parDo,
  type PCollection,
  type PTransform,
  registerFunctions,
  reshuffle,
  singletonSideInput,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import type { FailedRecord } from "../failed-record.js";
import { fileSystemOf } from "../file/file-system.js";
import { automaticBuckets, PlanShards, type ShardTask } from "../indexeddb/plan-shards.js";
import { type RunTotals, SpillRuns } from "../indexeddb/spill-runs.js";
import { planColumns } from "./plan-columns.js";
import { PublishRecordFiles, type WrittenRecordFile } from "./publish-record-files.js";
import type { RecordFileSettings } from "./record-file-options.js";
import type { RecordFormat } from "./record-format.js";
import { type FinishedRecordFile, type RecordFileOutputs, WriteRecordShards } from "./write-record-shards.js";

/** What was written, and what was not. */
export type WriteRecordFilesResult = Outputs<{
  /** The files under their final names. */
  filesWritten: WrittenRecordFile;
  /** Empty unless `onError` is `failedRecords`. */
  failedRecords: FailedRecord;
}>;

/**
 * The sink of every format of record files: sorts the records by object store and key on disk, plans columns where the format has some, writes each store's
 * files, publishes all of them at once. The same records and options give the same files, on every runner and however the records are bundled.
 * @param transform Name of the step.
 */
export function writeRecordFiles(
  transform: string,
  format: RecordFormat,
  settings: RecordFileSettings,
): PTransform<PCollection<SnapshotRecord>, WriteRecordFilesResult> {
  const { prefix, naming, tempFolder, numShards, maxBytesPerShard, memoryBytes } = settings;
  return withName(`${transform}(${prefix})`, (records: PCollection<SnapshotRecord>) => {
    atRunEnd(records, () => fileSystemOf(tempFolder).deleteFolder(tempFolder));
    const spill = new SpillRuns({
      prefix,
      tempFolder,
      memoryBytes,
      destination: "store",
      database: undefined,
      buckets: numShards || automaticBuckets,
    });
    const tasks = records
      .apply(asyncParDo<SnapshotRecord, RunTotals>(spill, { concurrency: 1 }))
      .apply(withName("byStore", groupBy<RunTotals, string>("destination")))
      .apply(withName("planShards", parDo(new PlanShards(numShards, maxBytesPerShard, undefined))))
      .apply(withName("spreadShards", reshuffle<ShardTask>()));
    const { columns } = format;
    const written = tasks
      .apply(
        asyncParDo(
          new WriteRecordShards(format, settings),
          { concurrency: 2 },
          {
            records: counterFamily(`${format.name}/recordsWritten`),
            bytes: counter(`${format.name}/bytesWritten`),
            failures: counterFamily(`${format.name}/failedRecords`),
            ...(columns ? { plans: singletonSideInput(planColumns(tasks, columns, settings)) } : {}),
          },
        ),
      )
      .apply(withName("outputs", taggedOutputs<RecordFileOutputs>(["shards", "failedRecords"])));
    const filesWritten = written.shards
      .apply(withName("allFiles", groupBy<FinishedRecordFile, string>(ofOneRun)))
      .apply(asyncParDo(new PublishRecordFiles(naming, tempFolder)));
    return { filesWritten, failedRecords: written.failedRecords };
  });
}

function ofOneRun(): string {
  return "";
}

registerFunctions("beam-indexeddb/io", { ofOneRun });
