import { registerFunctions } from "../../beam/index.js";
import { type SnapshotRecord } from "../../snapshot/index.js";
import type { FileWriter } from "../file/file-system.js";
import { fileColumns } from "../record-files/file-columns.js";
import type {
  ColumnRules,
  RecordFileHead,
  RecordFileWriter,
  RecordFormat,
} from "../record-files/record-format.js";
import { TextFile, type TextCompression } from "../record-files/text-file.js";
import { toTableRow } from "../table/table-row.js";
import { changeEvent } from "./change-event.js";
import { jsonColumns, jsonMetadata } from "./json-row.js";
import { typedLine } from "./typed-line.js";

/** What a line says: see `writeToJsonLines`. */
export type JsonLinesForm = "plain" | "typed" | "changes";

export const jsonLinesForms: readonly JsonLinesForm[] = ["plain", "typed", "changes"];

/** A line of JSON a record. */
export class JsonLinesFormat implements RecordFormat {
  readonly name = "jsonl";
  readonly columns: ColumnRules | undefined;
  readonly form: JsonLinesForm;
  readonly compression: TextCompression;

  constructor(form: JsonLinesForm, compression: TextCompression) {
    this.form = form;
    this.compression = compression;
    this.columns = form === "typed" ? undefined : fileColumns;
  }

  open(file: FileWriter, head: RecordFileHead): RecordFileWriter {
    const text = new TextFile(file, this.compression);
    const line = this.lineOf(head);
    return {
      add: (record) => text.add(`${line(record)}\n`),
      finish: () => text.finish(),
    };
  }

  private lineOf(head: RecordFileHead): (record: SnapshotRecord) => string {
    if (this.form === "typed") return typedLine;
    const { plan, versionBy, loadId } = head;
    if (this.form === "changes")
      return (record) => changeEvent(record, plan!, toTableRow(record, plan!, versionBy));
    return (record) => {
      const row = toTableRow(record, plan!, versionBy);
      const columns = jsonColumns(plan!, row);
      return `{${jsonMetadata(row, loadId)}${columns === "" ? "" : ","}${columns}}`;
    };
  }
}

registerFunctions("beam-indexeddb/io", { JsonLinesFormat });
