import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import {
  type Outputs,
  type PCollection,
  type PTransform,
  type Tagged,
  counterFamily,
  groupBy,
  parDo,
  registerFunctions,
  singletonSideInput,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import type { ErrorTreatment } from "../failed-record.js";
import { type TablePlan, columnKinds } from "../table/column.js";
import { countKinds } from "../table/count-kinds.js";
import type { GivenColumns } from "../table/plan-tables.js";
import { CreateTables } from "./create-tables.js";
import type { SqliteSettings } from "./sqlite-settings.js";
import { type SqliteOutputs, type TableCounts, WriteRows, type WriteRowsContext } from "./write-rows.js";

/** Tables, columns, versions, deletions; every option has a default. */
export interface WriteToSqliteOptions {
  /**
   * The columns of each store, property -> kind. What they do not hold goes to `_rest`. Every store that is written has to be named.
   * Default: inferred over all records, which are then read twice and held until the inference is done.
   */
  readonly columns?: Readonly<Record<string, GivenColumns>>;
  /** Store -> name of its table. Default: the store's name, changed only where SQLite cannot have it. */
  readonly tables?: Readonly<Record<string, string>>;
  /**
   * Path of the time (a number, a Date or an ISO 8601 text) that tells which of two versions of a record is newer, as for `mergeDevices`. A tombstone
   * counts as written when it was captured, a record without the time is older than any with it. Use the same in all runs into a table. Default: the
   * capture time, then the sequence of the origin.
   */
  readonly versionBy?: string;
  /** `soft`: a deleted record's row stays, with `_deleted` = 1 and no values. `hard`: it goes. Default `soft`. */
  readonly deletes?: "soft" | "hard";
  /** What happens with a record that cannot be written. Default `fail`: the job fails. */
  readonly onError?: ErrorTreatment;
  /** Name of this run in `_load_id`. Default: a random UUID. */
  readonly loadId?: string;
  /** How long a transaction waits for another writer, in milliseconds. Default 60,000. */
  readonly busyTimeoutMs?: number;
  /** Most rows of a transaction; a bundle with more has several. Default 10,000. */
  readonly batchRows?: number;
}

/** `tables`: one element per table that was written. `failedRecords`: empty unless `onError` is `failedRecords`. */
export type WriteToSqliteResult = Outputs<SqliteOutputs>;

/**
 * Writes each object store into a table of an SQLite database, one row per key.
 *
 * Required: `file`, the path of the database. It and its folder are made when missing. All workers must see the same file on a local disk: SQLite's
 * locks do not hold on network file systems.
 *
 * - **Columns.** Each property of the values has a column of its type; a value of another type than most has its place in
 *   `<property>__v_json`, what no column type holds is tagged JSON (`fromTaggedJson` reads it). Date is ISO 8601 text in UTC, boolean 0 or 1, bytes are
 *   a BLOB, a BigInt of up to 64 bits an INTEGER. NULL means null, undefined or missing, nothing else. The metadata columns are those of `metadataColumns`.
 * - **Exactly once in effect.** A row is only replaced by a newer version of its record, so replays, duplicates and late
 *   redeliveries change nothing, in any order. A run that was killed leaves whole transactions; run it again.
 * - **Evolution.** A later run adds columns for new properties and keeps those that are there.
 * - **One writer at a time.** Several workers take turns, transaction by transaction; readers never wait (WAL).
 *
 * @throws TypeError for options that make no sense, when the pipeline is built. At run time SnapshotError FILE_NOT_WRITABLE, FILE_DISK_FULL,
 *   FILE_WRITE_FAILED, STORE_UNAVAILABLE (another writer for longer than `busyTimeoutMs`), STORE_CONSTRAINT (no SQLite file, a table of another's making, a
 *   store without columns), SNAPSHOT_LIMIT_EXCEEDED (a value nested too deeply).
 * @example
 * const { tables, failedRecords } = notes.apply(writeToSqlite("out/notes.sqlite", { versionBy: "updatedAt", onError: "failedRecords" }));
 */
export function writeToSqlite(
  file: string,
  options: WriteToSqliteOptions = {},
): PTransform<PCollection<SnapshotRecord>, WriteToSqliteResult> {
  const settings = settingsOf(file, options);
  return withName("writeToSqlite", (records: PCollection<SnapshotRecord>) => {
    const failed = counterFamily("sqlite/failedRecords");
    const write = new WriteRows(settings);
    const written = records
      .apply(
        withName(
          "writeRows",
          parDo<SnapshotRecord, Tagged<SqliteOutputs>, WriteRowsContext>(
            write,
            settings.columns
              ? { failed }
              : { failed, plans: singletonSideInput(inferTables(records, settings)) },
          ),
        ),
      )
      .apply(withName("outputs", taggedOutputs<SqliteOutputs>(["tables", "failedRecords"])));
    const tables = written.tables.apply(withName("byTable", groupBy(tableOf))).map(sumCounts);
    return { tables, failedRecords: written.failedRecords };
  });
}

function inferTables(
  records: PCollection<SnapshotRecord>,
  settings: SqliteSettings,
): PCollection<readonly TablePlan[]> {
  return records.apply(countKinds()).apply(withName("createTables", parDo(new CreateTables(settings))));
}

function tableOf(counts: TableCounts): string {
  return counts.table;
}

function sumCounts({ value }: { value: Iterable<TableCounts> }): TableCounts {
  return [...value].reduce((a, b) => ({
    ...a,
    upserted: a.upserted + b.upserted,
    deleted: a.deleted + b.deleted,
    unchanged: a.unchanged + b.unchanged,
  }));
}

const optionNames = [
  "columns",
  "tables",
  "versionBy",
  "deletes",
  "onError",
  "loadId",
  "busyTimeoutMs",
  "batchRows",
] as const satisfies readonly (keyof WriteToSqliteOptions)[];

function settingsOf(file: string, options: WriteToSqliteOptions): SqliteSettings {
  if (typeof file !== "string" || file === "" || file.includes("\0"))
    throw new TypeError('writeToSqlite: give the path of the database file, such as "out/notes.sqlite".');
  if (file === ":memory:")
    throw new TypeError("writeToSqlite: a database in memory is gone when the pipeline ends. Give a file.");
  for (const name of Object.keys(options))
    if (!(optionNames as readonly string[]).includes(name))
      throw new TypeError(`writeToSqlite: unknown option "${name}". Options are ${optionNames.join(", ")}.`);
  const {
    columns,
    tables = {},
    versionBy,
    deletes = "soft",
    onError = "fail",
    loadId = randomUUID(),
  } = options;
  oneOf("deletes", deletes, ["soft", "hard"]);
  oneOf("onError", onError, ["fail", "failedRecords"]);
  checkColumns(columns);
  checkTables(tables);
  if (versionBy === "")
    throw new TypeError("writeToSqlite: versionBy is empty. Name a property, or leave it out.");
  return {
    file: resolve(file),
    columns,
    tables,
    versionBy,
    deletes,
    onError,
    loadId,
    busyTimeoutMs: wholeNumber("busyTimeoutMs", options.busyTimeoutMs ?? 60_000, 0, 2 ** 31 - 1),
    batchRows: wholeNumber("batchRows", options.batchRows ?? 10_000, 1, 1_000_000),
  };
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new TypeError(
      `writeToSqlite: ${name} is "${value}". It can be ${allowed.map((one) => `"${one}"`).join(" or ")}.`,
    );
}

function wholeNumber(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new TypeError(
    `writeToSqlite: ${name} is ${value}. It has to be a whole number from ${least} to ${most}.`,
  );
}

function checkColumns(columns: WriteToSqliteOptions["columns"]): void {
  for (const [store, given] of Object.entries(columns ?? {}))
    for (const [property, kind] of Object.entries(given))
      if (!columnKinds.includes(kind))
        throw new TypeError(
          `writeToSqlite: the column ${store}.${property} is of kind "${kind}". Kinds are ${columnKinds.join(", ")}.`,
        );
}

function checkTables(tables: Readonly<Record<string, string>>): void {
  for (const [store, table] of Object.entries(tables))
    if (table === "")
      throw new TypeError(`writeToSqlite: the table of the store "${store}" has an empty name.`);
}

registerFunctions("beam-indexeddb/io", { tableOf, sumCounts });
