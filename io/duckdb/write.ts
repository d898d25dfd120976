import { resolve } from "node:path";
import type { PCollection, PTransform } from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { loadTables } from "../record-files/load-tables.js";
import { checkWholeNumber, tableSettings, type WriteToTablesOptions } from "../table/table-options.js";
import { type WriteToTablesResult, writeToTables } from "../table/write-to-tables.js";
import { DuckdbEngine } from "./duckdb-engine.js";

/** Tables, columns, versions, deletions; every option has a default. `batchRows` is 20,000 here: each transaction is a join with the whole table. */
export interface WriteToDuckdbOptions extends WriteToTablesOptions {
  /** How long a bundle waits for another process that has the file, in milliseconds. Default 60,000. */
  readonly busyTimeoutMs?: number;
}

/**
 * Writes each object store into a table of a DuckDB file, one row per key, ready for SQL.
 *
 * Required: `file`, the path of the database, which is made with its folder when missing; the package `@duckdb/node-api` where the workers run. All workers must
 * see the same file on a local disk.
 *
 * - **Columns.** Each property of the values has a column of its type, declared, never guessed from texts: boolean, whole numbers and BigInts of up to 64 bits BIGINT, numbers DOUBLE, texts
 *   VARCHAR, Date TIMESTAMPTZ, bytes BLOB, nested values tagged JSON in VARCHAR (`fromTaggedJson` reads it, and DuckDB's functions of JSON take it). A value of another type than most has its place in
 *   `<property>__v_json`. NULL means null, undefined or missing, nothing else. The metadata columns are those of `metadataColumns`.
 * - **Exactly once in effect.** A row is only replaced by a newer version of its record, so replays, duplicates and late redeliveries change nothing, in any order. A
 *   run that was killed leaves whole transactions; run it again.
 * - **Evolution.** A later run adds columns for new properties, widens whole numbers to numbers, and keeps columns that are there.
 * - **One process at a time.** Several workers take turns, bundle by bundle. Nothing is fetched: the connection has no access to extensions or other files.
 *
 * @throws TypeError for options that make no sense, when the pipeline is built. At run time SnapshotError STORE_UNAVAILABLE (no package, no memory, or another process for longer than
 *   `busyTimeoutMs`), STORE_CONSTRAINT (no DuckDB file, a table of another's making, a store without columns), FILE_NOT_WRITABLE, FILE_DISK_FULL, FILE_WRITE_FAILED, SNAPSHOT_LIMIT_EXCEEDED (a value
 *   nested too deeply).
 * @example
 * const { tables } = notes.apply(writeToDuckdb("out/app.duckdb", { versionBy: "updatedAt" }));
 */
export function writeToDuckdb(
  file: string,
  options: WriteToDuckdbOptions = {},
): PTransform<PCollection<SnapshotRecord>, WriteToTablesResult> {
  if (typeof file !== "string" || file === "" || file.includes("\0"))
    throw new TypeError('writeToDuckdb: give the path of the database file, such as "out/app.duckdb".');
  if (file === ":memory:")
    throw new TypeError("writeToDuckdb: a database in memory is gone when the pipeline ends. Give a file.");
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(file) || file.startsWith("md:"))
    throw new TypeError(
      "writeToDuckdb: the database is a file on a local disk. For an object store use writeToParquet, which DuckDB reads.",
    );
  const settings = tableSettings("writeToDuckdb", options, ["busyTimeoutMs"], 20_000);
  const { busyTimeoutMs = 60_000 } = options;
  checkWholeNumber("writeToDuckdb", "busyTimeoutMs", busyTimeoutMs, 0, 2 ** 31 - 1);
  const engine = new DuckdbEngine(resolve(file), busyTimeoutMs);
  return settings.columns
    ? writeToTables("writeToDuckdb", engine, settings)
    : loadTables("writeToDuckdb", engine, settings, engine.file);
}
