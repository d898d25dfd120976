import type { PCollection, PTransform } from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { recordFileSettings, type WriteRecordFilesOptions } from "../record-files/record-file-options.js";
import { writeRecordFiles, type WriteRecordFilesResult } from "../record-files/write-record-files.js";
import { checkOneOf, checkWholeNumber } from "../table/table-options.js";
import { type ParquetCodec, parquetCodecs, ParquetFormat } from "./parquet-format.js";

/** How files are made, and into which ones rows go; every option has a default. */
export interface WriteToParquetOptions extends WriteRecordFilesOptions {
  /** How pages are compressed. Default "snappy". */
  readonly codec?: ParquetCodec;
  /** Most rows of a row group. Default 100,000. */
  readonly rowGroupRows?: number;
  /** Most bytes of values, before compression, that are gathered for a row group; a group has at least one row. Default 64 MiB. */
  readonly rowGroupBytes?: number;
}

/**
 * Writes each object store as Apache Parquet files, which DuckDB, Spark, BigQuery, pandas and others load with their types.
 *
 * The columns are those of a table: the metadata columns, then the properties. boolean is BOOLEAN, whole numbers and BigInts of up to 64 bits INT64, numbers DOUBLE, texts STRING, Date
 * TIMESTAMP (milliseconds, UTC), bytes BYTE_ARRAY, what no column type holds and nested values tagged JSON in a STRING (`fromTaggedJson` reads it); a value of another type than most of its
 * property is in `<property>__v_json`. NULL means null, undefined or missing. The file's metadata names database, store and columns.
 *
 * Guarantees: the same records and options give the same bytes, on every runner; rows are in the order of `indexedDB.cmp` within a file; of several records for a key the
 * newest version is written; all files appear together, when all of them are complete; memory for one row group a file. Counters:
 * `parquet/recordsWritten/<store>`, `parquet/bytesWritten`, `parquet/failedRecords/<store>`. A store that has no records any more keeps the files of an earlier run.
 *
 * @param filePathPrefix Path and beginning of the names, such as "out/app" for `out/app-notes-00000-of-00001.parquet`; with a slash at its end the folder of the
 *   files.
 * @throws TypeError for options that make no sense, when the pipeline is built; while it runs FILE_NOT_WRITABLE, FILE_DISK_FULL, FILE_WRITE_FAILED; per record, as
 *   `onError` says, SNAPSHOT_LIMIT_EXCEEDED (a value nested too deeply), STORE_CONSTRAINT (a capture time that is no date)
 * @example
 * const { filesWritten } = notes.apply(writeToParquet("gs://warehouse/app/", { numShards: 8 }));
 */
export function writeToParquet(
  filePathPrefix: string,
  options: WriteToParquetOptions = {},
): PTransform<PCollection<SnapshotRecord>, WriteRecordFilesResult> {
  const { codec = "snappy", rowGroupRows = 100_000, rowGroupBytes = 64 << 20 } = options;
  checkOneOf("writeToParquet", "codec", codec, parquetCodecs);
  checkWholeNumber("writeToParquet", "rowGroupRows", rowGroupRows, 1, 10_000_000);
  checkWholeNumber("writeToParquet", "rowGroupBytes", rowGroupBytes, 1, 2 ** 31);
  const settings = recordFileSettings("writeToParquet", filePathPrefix, ".parquet", options, [
    "codec",
    "rowGroupRows",
    "rowGroupBytes",
  ]);
  return writeRecordFiles("writeToParquet", new ParquetFormat(codec, rowGroupRows, rowGroupBytes), settings);
}
