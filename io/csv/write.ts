import type { PCollection, PTransform } from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { recordFileSettings, type WriteRecordFilesOptions } from "../record-files/record-file-options.js";
import { type TextCompression, textCompressions } from "../record-files/text-file.js";
import { writeRecordFiles, type WriteRecordFilesResult } from "../record-files/write-record-files.js";
import { checkOneOf } from "../table/table-options.js";
import { type FormulaTreatment, formulaTreatments } from "./csv-cell.js";
import { CsvFormat } from "./csv-format.js";

/** What goes into the fields, and into which files lines go; every option has a default. */
export interface WriteToCsvOptions extends WriteRecordFilesOptions {
  /**
   * What becomes of texts that a spreadsheet would take for a formula (they begin with `=`, `+`, `-`, `@`, a tab or an end of line). `escape` puts an apostrophe before
   * them and says so in `_issues`: for files that people open. Default `keep`: texts as they are, for programs.
   */
  readonly formulas?: FormulaTreatment;
  /** "gzip" ends the names with `.gz`. Default "none". */
  readonly compression?: TextCompression;
}

/**
 * Writes each object store as CSV (RFC 4180): UTF-8 without a byte order mark, a line of column names, one line a key, lines ended by CR LF.
 *
 * The columns are those of a table: the metadata columns, then the properties by their names. NULL (null, undefined, missing) is an empty field, the empty text a
 * pair of quotes. Date is ISO 8601 in UTC, bytes are hexadecimal digits, nested values tagged JSON, a value of another type than most of its property is in
 * `<property>__v_json`.
 *
 * Guarantees: the same records and options give the same bytes, on every runner (compressed, of one version of Node); lines are in the order of `indexedDB.cmp` within a file; of several records for a key
 * the newest version is written; all files appear together, when all of them are complete. Counters: `csv/recordsWritten/<store>`, `csv/bytesWritten`,
 * `csv/failedRecords/<store>`. A store that has no records any more keeps the files of an earlier run.
 *
 * @param filePathPrefix Path and beginning of the names, such as "out/app" for `out/app-notes-00000-of-00001.csv`; with a slash at its end the folder of the
 *   files.
 * @throws TypeError for options that make no sense, when the pipeline is built; while it runs FILE_NOT_WRITABLE, FILE_DISK_FULL, FILE_WRITE_FAILED; per record, as
 *   `onError` says, SNAPSHOT_LIMIT_EXCEEDED (a value nested too deeply), STORE_CONSTRAINT (a capture time that is no date)
 * @example
 * const { filesWritten } = notes.apply(writeToCsv("out/app", { formulas: "escape" }));
 */
export function writeToCsv(
  filePathPrefix: string,
  options: WriteToCsvOptions = {},
): PTransform<PCollection<SnapshotRecord>, WriteRecordFilesResult> {
  const { formulas = "keep", compression = "none" } = options;
  checkOneOf("writeToCsv", "formulas", formulas, formulaTreatments);
  checkOneOf("writeToCsv", "compression", compression, textCompressions);
  const suffix = compression === "gzip" ? ".csv.gz" : ".csv";
  const settings = recordFileSettings("writeToCsv", filePathPrefix, suffix, options, [
    "formulas",
    "compression",
  ]);
  return writeRecordFiles("writeToCsv", new CsvFormat(compression, formulas), settings);
}
