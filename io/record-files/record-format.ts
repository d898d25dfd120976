import type { SnapshotRecord } from "../../snapshot/index.js";
import type { FileWriter } from "../file/file-system.js";
import type { TablePlan } from "../table/column.js";
import type { IdentifierRules } from "../table/identifier.js";
import type { ValueLimits } from "../table/value-kind.js";

/**
 * A file format for the records of one object store, as `writeRecordFiles` needs it. It is an instance of a registered class with plain fields: it travels to
 * the workers.
 */
export interface RecordFormat {
  /** Start of the names of its counters: "csv" counts `csv/recordsWritten/<store>`. */
  readonly name: string;
  /** Columns, for formats that have them: they are planned over all records of a store before its first file is written. */
  readonly columns: ColumnRules | undefined;
  open(file: FileWriter, head: RecordFileHead): RecordFileWriter | Promise<RecordFileWriter>;
}

/** What columns can be in a format. */
export interface ColumnRules {
  readonly identifiers: IdentifierRules;
  /** The most columns a store, metadata columns not counted. */
  readonly maxColumns: number;
  readonly limits: ValueLimits;
}

/** What a file's writer knows before the first record. */
export interface RecordFileHead {
  readonly database: string;
  readonly store: string;
  /** Undefined for formats without columns. */
  readonly plan: TablePlan | undefined;
  /** Names the whole result: the same records and options give the same name. */
  readonly set: string;
  readonly loadId: string;
  readonly versionBy: string | undefined;
}

/** Writes one file, front to back. */
export interface RecordFileWriter {
  /**
   * Await the promise when there is one.
   * @throws SnapshotError for a record that the format can't hold, of which nothing is in the file then.
   */
  add(record: SnapshotRecord): undefined | Promise<void>;
  /** What comes after the last record. The file stays open. */
  finish(): Promise<void>;
}
