import { joinPath } from "../file/join-path.js";
import {
  type AsyncDoFn,
  type Counter,
  type CounterFamily,
  registerFunctions,
  type SideInputParam,
  type Tagged,
} from "../../beam/index.js";
import { SnapshotError, type SnapshotRecord } from "../../snapshot/index.js";
import { type FailedRecord, failedRecord } from "../failed-record.js";
import { type FileWriter, fileSystemOf } from "../file/file-system.js";
import { mergeRuns } from "../indexeddb/merge-runs.js";
import type { ShardTask } from "../indexeddb/plan-shards.js";
import { nodePlatform } from "../node-platform.js";
import type { TablePlan } from "../table/column.js";
import { newestRecords } from "./newest-records.js";
import type { RecordFileSettings } from "./record-file-options.js";
import type { RecordFileWriter, RecordFormat } from "./record-format.js";

/** A file that is complete but not yet published. */
export interface FinishedRecordFile {
  /** Database and object store, as `storeId` writes them. */
  readonly destination: string;
  readonly shard: number;
  readonly count: number;
  readonly tempPath: string;
  readonly records: number;
  readonly bytes: number;
}

export interface RecordFileOutputs {
  readonly shards: FinishedRecordFile;
  readonly failedRecords: FailedRecord;
}

export interface WriteRecordShardsContext {
  readonly plans?: SideInputParam<readonly TablePlan[], Iterable<readonly TablePlan[]>, readonly TablePlan[]>;
  readonly records: CounterFamily;
  readonly bytes: Counter;
  readonly failures: CounterFamily;
}

type ShardSettings = Pick<RecordFileSettings, "tempFolder" | "versionBy" | "deletes" | "onError" | "loadId">;

/** Merges the runs of a shard into a file of a format, under a temporary name. */
export class WriteRecordShards implements AsyncDoFn<
  ShardTask,
  Tagged<RecordFileOutputs>,
  WriteRecordShardsContext
> {
  readonly beamName = "writeShards";
  readonly format: RecordFormat;
  readonly settings: ShardSettings;

  constructor(format: RecordFormat, settings: ShardSettings) {
    this.format = format;
    this.settings = settings;
  }

  async *process(
    task: ShardTask,
    context: WriteRecordShardsContext,
  ): AsyncGenerator<Tagged<RecordFileOutputs>> {
    const { destination, shard, count, set } = task;
    const { tempFolder } = this.settings;
    const name = nodePlatform.crc32(Buffer.from(destination, "utf16le"));
    const tempPath = joinPath(tempFolder, `shard-${name}-${set}-${shard}`);
    const file = new CountedFile(await fileSystemOf(tempPath).create(tempPath));
    let isDone = false;
    try {
      const records = yield* this.writeAll(task, file, context);
      await file.close();
      isDone = true;
      context.bytes.increment(file.bytes);
      yield { shards: { destination, shard, count, tempPath, records, bytes: file.bytes } };
    } finally {
      if (!isDone) await file.abort();
    }
  }

  /** Writes what can be written, and hands out the dead letters as they come. */
  private async *writeAll(
    task: ShardTask,
    file: FileWriter,
    context: WriteRecordShardsContext,
  ): AsyncGenerator<Tagged<RecordFileOutputs>, number> {
    const { tempFolder, versionBy, deletes, loadId } = this.settings;
    const [database, store] = JSON.parse(task.destination) as [string, string];
    const plan = context.plans?.lookup().find((one) => one.database === database && one.store === store);
    const head = { database, store, plan, set: task.set, loadId: loadId ?? task.set, versionBy };
    const failed: FailedRecord[] = [];
    const refuse = (record: SnapshotRecord, error: unknown): void => {
      // A full disk is no fault of the record.
      if (!(error instanceof SnapshotError) || error.code.startsWith("FILE_")) throw error;
      if (this.settings.onError === "fail") throw placed(error, record);
      context.failures.increment(record.store);
      failed.push(failedRecord(record, error));
    };
    const writer: RecordFileWriter = await this.format.open(file, head);
    let written = 0;
    for await (const records of newestRecords(mergeRuns(task.segments, tempFolder), versionBy, refuse)) {
      for (const record of records) {
        if (record.deleted && deletes === "hard") continue;
        try {
          const done = writer.add(record);
          if (done) await done;
          written++;
        } catch (error) {
          refuse(record, error);
        }
      }
      for (const one of failed.splice(0)) yield { failedRecords: one };
    }
    for (const one of failed) yield { failedRecords: one };
    await writer.finish();
    if (written > 0) context.records.increment(store, written);
    return written;
  }
}

/** The error, with the record that it is about. */
function placed(error: SnapshotError, record: SnapshotRecord): SnapshotError {
  if (error.store !== undefined) return error;
  const place = { store: record.store, key: record.describeKey(), file: record.source };
  return new SnapshotError(error.code, `${record.describe()}: ${error.message}`, { ...place, cause: error });
}

/** Counts what goes through. */
class CountedFile implements FileWriter {
  private readonly file: FileWriter;
  bytes = 0;

  constructor(file: FileWriter) {
    this.file = file;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.bytes += bytes.length;
    return this.file.write(bytes);
  }

  close(): Promise<void> {
    return this.file.close();
  }

  abort(): Promise<void> {
    return this.file.abort();
  }
}

registerFunctions("beam-indexeddb/io", { WriteRecordShards });
