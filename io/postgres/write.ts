import { type PCollection, type PTransform, atRunEnd, withName } from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { type WriteToTablesOptions, checkWholeNumber, tableSettings } from "../table/table-options.js";
import { kindOfValue } from "../table/value-kind.js";
import { type WriteToTablesResult, writeToTables } from "../table/write-to-tables.js";
import { endIdle } from "./connect.js";
import { type PostgresConnection, postgresPlace } from "./connection.js";
import { PostgresEngine } from "./postgres-engine.js";
import { copyFromRows } from "./row-source.js";

/** Tables, columns, versions, deletions, and how the database is reached; every option has a default. */
export interface WriteToPostgresOptions extends WriteToTablesOptions {
  /** The schema that the tables are in; made when it is missing. Default `public`. */
  readonly schema?: string;
  /** Name of the environment variable, where the workers run, that has the password. Default: PGPASSWORD, PGPASSFILE, or none. */
  readonly passwordFrom?: string;
  /** How often a transaction is tried that fails for a reason that may pass (deadlock, lost connection, restart). Default 10, about half a minute. */
  readonly maxAttempts?: number;
}

/** `tables`: one element per table that was written. `failedRecords`: empty unless `onError` is `failedRecords`. */
export type WriteToPostgresResult = WriteToTablesResult;

/**
 * Writes each object store into a table of a PostgreSQL database, one row per key.
 *
 * Required: `connection`, a URL (`postgres://user@host/database`) or its parts, without a password: that is taken from the environment of the workers. The
 * package `pg` 8 has to be installed, where the workers run.
 *
 * - **Columns.** Each property of the values has a column of its type (boolean, bigint, double precision, text, timestamptz, bytea); a value of another type
 *   than most has its place in `<property>__v_json`, what no column type holds is tagged JSON (`fromTaggedJson` reads it) in a column of type `json`. Those are BigInts
 *   beyond 64 bits, texts with NUL or lone surrogates, NaN, Dates before the year 4713 BC. NULL means null, undefined or missing, nothing else. The metadata
 *   columns are those of `metadataColumns`.
 * - **Exactly once in effect.** A row is only replaced by a newer version of its record, so replays, duplicates and late redeliveries change nothing, in any
 *   order. A run that was killed leaves whole transactions; run it again. A transaction whose outcome a lost connection hides is done again: its rows may then
 *   be counted as unchanged.
 * - **Many writers.** Workers and pipelines may write into the same tables: rows are locked in the order of their keys, so they wait, but never for each other.
 *   Writers that delete rows for good (`deletes: "hard"`) take turns.
 * - **Evolution.** A later run adds columns for new properties and keeps those that are there; a bigint column that meets fractions becomes double precision, for
 *   which PostgreSQL rewrites the table.
 *
 * @throws TypeError for options that make no sense and for a connection with a password, when the pipeline is built. At run time SnapshotError
 *   STORE_UNAVAILABLE (no `pg`, no server, wrong password, after `maxAttempts`), STORE_CONSTRAINT (a table of another's making, no permission, a store without
 *   columns), SNAPSHOT_LIMIT_EXCEEDED (a value nested too deeply, a key of over 2,500 bytes).
 * @example
 * const { tables } = notes.apply(writeToPostgres("postgres://loader@db.example/app", { schema: "devices", versionBy: "updatedAt" }));
 */
export function writeToPostgres(
  connection: PostgresConnection,
  options: WriteToPostgresOptions = {},
): PTransform<PCollection<SnapshotRecord>, WriteToPostgresResult> {
  const { schema = "public", passwordFrom, maxAttempts = 10 } = options;
  const place = postgresPlace("writeToPostgres", connection, passwordFrom);
  const settings = tableSettings(
    "writeToPostgres",
    options,
    ["schema", "passwordFrom", "maxAttempts"],
    // The fewest that go by COPY: more are no faster, and wait for each other in memory.
    copyFromRows,
  );
  checkWholeNumber("writeToPostgres", "maxAttempts", maxAttempts, 1, 1000);
  checkSchema("writeToPostgres", schema);
  if (kindOfValue(settings.loadId, { nul: false }) !== "text")
    throw new TypeError(
      "writeToPostgres: loadId has a NUL or half a character in it, which no text column holds.",
    );
  const engine = new PostgresEngine(place, schema, maxAttempts);
  return withName("writeToPostgres", (records: PCollection<SnapshotRecord>) => {
    atRunEnd(records, endIdle);
    return records.apply(writeToTables("tables", engine, settings));
  });
}

/** @throws TypeError for names that PostgreSQL would refuse or cut. */
export function checkSchema(transform: string, schema: string): void {
  if (
    typeof schema !== "string" ||
    schema === "" ||
    Buffer.byteLength(schema) > 63 ||
    /^pg_|[\0\p{Surrogate}]/u.test(schema)
  )
    throw new TypeError(
      `${transform}: the schema's name has to have 1 to 63 bytes, and does not begin with pg_.`,
    );
}
