import type { PCollection, PTransform } from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { recordFileSettings, type WriteRecordFilesOptions } from "../record-files/record-file-options.js";
import { writeRecordFiles, type WriteRecordFilesResult } from "../record-files/write-record-files.js";
import { checkOneOf } from "../table/table-options.js";
import { type AvroCodec, avroCodecs, AvroFormat } from "./avro-format.js";

/** What a record has in the file, and into which files records go; every option has a default. */
export interface WriteToAvroOptions extends Omit<WriteRecordFilesOptions, "columns" | "loadId"> {
  /** How blocks are compressed. Default "deflate". */
  readonly codec?: AvroCodec;
  /** Whether each value also stands as tagged JSON in `value_json`, for programs that do not know the bytes of `value`. Default true; false decodes no value. */
  readonly valueJson?: boolean;
}

/**
 * Writes each object store as Avro object container files of whole records, which Beam's Java and Python SDKs, Spark and BigQuery read and split.
 *
 * Every file has one schema: `database`, `store`, `key` (bytes that compare as `indexedDB.cmp` does), `key_json`, `value` (bytes as FORMAT.md says, null for a deleted record),
 * `value_json`, `deleted`, `device`, `snapshot`, `captured_at` (timestamp-millis), `sequence`. The content of Blobs is not in such files.
 *
 * Guarantees: the same records and options give the same bytes, on every runner (with deflate, of one version of Node); records are in the order of `indexedDB.cmp` within a file; of several records for a
 * key the newest version is written; all files appear together, when all of them are complete. Counters: `avro/recordsWritten/<store>`, `avro/bytesWritten`,
 * `avro/failedRecords/<store>`. A store that has no records any more keeps the files of an earlier run.
 *
 * @param filePathPrefix Path and beginning of the names, such as "out/app" for `out/app-notes-00000-of-00001.avro`; with a slash at its end the folder of the
 *   files.
 * @throws TypeError for options that make no sense, when the pipeline is built; while it runs FILE_NOT_WRITABLE, FILE_DISK_FULL, FILE_WRITE_FAILED; per record, as
 *   `onError` says, STORE_CONSTRAINT (a name with half a surrogate pair, a capture time that is no whole number), SNAPSHOT_LIMIT_EXCEEDED (a value nested too deeply for JSON)
 * @example
 * const { filesWritten } = records.apply(writeToAvro("out/", { numShards: 4 }));
 */
export function writeToAvro(
  filePathPrefix: string,
  options: WriteToAvroOptions = {},
): PTransform<PCollection<SnapshotRecord>, WriteRecordFilesResult> {
  const { codec = "deflate", valueJson = true } = options;
  checkOneOf("writeToAvro", "codec", codec, avroCodecs);
  if (typeof valueJson !== "boolean")
    throw new TypeError(`writeToAvro: valueJson is true or false, not ${String(valueJson)}.`);
  const settings = recordFileSettings("writeToAvro", filePathPrefix, ".avro", options, [
    "codec",
    "valueJson",
  ]);
  if (settings.columns || settings.loadId !== undefined)
    throw new TypeError("writeToAvro writes whole records: it has no columns and no loadId.");
  return writeRecordFiles("writeToAvro", new AvroFormat(codec, valueJson), settings);
}
