import type { PCollection, PTransform } from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { recordFileSettings, type WriteRecordFilesOptions } from "../record-files/record-file-options.js";
import { type TextCompression, textCompressions } from "../record-files/text-file.js";
import { writeRecordFiles, type WriteRecordFilesResult } from "../record-files/write-record-files.js";
import { checkOneOf } from "../table/table-options.js";
import { type JsonLinesForm, JsonLinesFormat, jsonLinesForms } from "./json-lines-format.js";

/** What a line says, and into which files lines go; every option has a default. */
export interface WriteToJsonLinesOptions extends WriteRecordFilesOptions {
  /**
   * - `plain` (default): an object of the metadata columns and the properties, as warehouses load it. Nulls are left out, nested values are tagged JSON, a value of
   *   another type than most of its property is in `<property>__v_json`, a BigInt is a text of digits, Date ISO 8601, bytes are base64.
   * - `typed`: the whole record, exactly; `readFromJsonLines` reads it. `columns` has no meaning for it.
   * - `changes`: an event in Debezium's envelope (`before`, `after`, `source`, `op`, `ts_ms`), with the properties as for `plain`.
   */
  readonly form?: JsonLinesForm;
  /** "gzip" ends the names with `.gz`. Default "none". */
  readonly compression?: TextCompression;
}

/**
 * Writes each object store as JSON Lines: UTF-8, one record a line, one line a key.
 *
 * Guarantees: the same records and options give the same bytes, on every runner (compressed, of one version of Node); lines are in the order of `indexedDB.cmp` within a file; of several records
 * for a key the newest version is written; all files appear together, when all of them are complete. Counters: `jsonl/recordsWritten/<store>`,
 * `jsonl/bytesWritten`, `jsonl/failedRecords/<store>`. A store that has no records any more keeps the files of an earlier run.
 *
 * @param filePathPrefix Path and beginning of the names, such as "out/app" for `out/app-notes-00000-of-00001.jsonl`; with a slash at its end the folder of the
 *   files.
 * @throws TypeError for options that make no sense, when the pipeline is built; while it runs FILE_NOT_WRITABLE, FILE_DISK_FULL, FILE_WRITE_FAILED; per record, as
 *   `onError` says, SNAPSHOT_LIMIT_EXCEEDED (a value nested too deeply), STORE_CONSTRAINT (a capture time that is no date)
 * @example
 * const { filesWritten } = notes.apply(writeToJsonLines("out/", { form: "changes", compression: "gzip" }));
 */
export function writeToJsonLines(
  filePathPrefix: string,
  options: WriteToJsonLinesOptions = {},
): PTransform<PCollection<SnapshotRecord>, WriteRecordFilesResult> {
  const { form = "plain", compression = "none" } = options;
  checkOneOf("writeToJsonLines", "form", form, jsonLinesForms);
  checkOneOf("writeToJsonLines", "compression", compression, textCompressions);
  const suffix = compression === "gzip" ? ".jsonl.gz" : ".jsonl";
  const settings = recordFileSettings("writeToJsonLines", filePathPrefix, suffix, options, [
    "form",
    "compression",
  ]);
  if (form === "typed" && settings.columns)
    throw new TypeError('writeToJsonLines: form "typed" has no columns: it writes whole records.');
  if (form !== "plain" && settings.loadId !== undefined)
    throw new TypeError(`writeToJsonLines: form "${form}" has no place for loadId.`);
  return writeRecordFiles("writeToJsonLines", new JsonLinesFormat(form, compression), settings);
}
