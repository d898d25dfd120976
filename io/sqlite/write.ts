import { resolve } from "node:path";
import type { PCollection, PTransform } from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { type WriteToTablesOptions, checkWholeNumber, tableSettings } from "../table/table-options.js";
import { type WriteToTablesResult, writeToTables } from "../table/write-to-tables.js";
import { SqliteEngine } from "./sqlite-engine.js";

/** Tables, columns, versions, deletions; every option has a default. */
export interface WriteToSqliteOptions extends WriteToTablesOptions {
  /** How long a transaction waits for another writer, in milliseconds. Default 60,000. */
  readonly busyTimeoutMs?: number;
}

/** `tables`: one element per table that was written. `failedRecords`: empty unless `onError` is `failedRecords`. */
export type WriteToSqliteResult = WriteToTablesResult;

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
  if (typeof file !== "string" || file === "" || file.includes("\0"))
    throw new TypeError('writeToSqlite: give the path of the database file, such as "out/notes.sqlite".');
  if (file === ":memory:")
    throw new TypeError("writeToSqlite: a database in memory is gone when the pipeline ends. Give a file.");
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(file))
    throw new TypeError(
      "writeToSqlite: the database is a file on a local disk. For an object store use writeToParquet.",
    );
  const settings = tableSettings("writeToSqlite", options, ["busyTimeoutMs"]);
  const { busyTimeoutMs = 60_000 } = options;
  checkWholeNumber("writeToSqlite", "busyTimeoutMs", busyTimeoutMs, 0, 2 ** 31 - 1);
  return writeToTables("writeToSqlite", new SqliteEngine(resolve(file), busyTimeoutMs), settings);
}
