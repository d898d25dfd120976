import {
  asyncParDo,
  counter,
  counterFamily,
  groupBy,
  type Outputs,
  type PCollection,
  type PTransform,
  registerFunctions,
  singletonSideInput,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import type { FailedRecord } from "../failed-record.js";
import { planColumns } from "./plan-columns.js";
import { PublishRecordFiles, type WrittenRecordFile } from "./publish-record-files.js";
import type { RecordFileSettings } from "./record-file-options.js";
import type { RecordFormat } from "./record-format.js";
import { sortByStore } from "./sort-by-store.js";
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
  const { prefix, naming, tempFolder } = settings;
  return withName(`${transform}(${prefix})`, (records: PCollection<SnapshotRecord>) => {
    const tasks = sortByStore(records, settings);
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
