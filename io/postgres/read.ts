import {
  type PCollection,
  type PTransform,
  type Root,
  asyncParDo,
  atRunEnd,
  counter,
  counterFamily,
  create,
  registerFunctions,
  withName,
} from "../../beam/index.js";
import { type DatabaseSchema, type SnapshotRecord, encodeSchema } from "../../snapshot/index.js";
import { checkOptionNames } from "../check-options.js";
import { attachSchemas } from "../indexeddb/schema-flow.js";
import { checkOneOf, checkWholeNumber } from "../table/table-options.js";
import { type ValueForm, valueForms } from "./column-value.js";
import { endIdle } from "./connect.js";
import { type PostgresConnection, postgresPlace } from "./connection.js";
import { qualified } from "./postgres-tables.js";
import { ReadRows } from "./read-rows.js";
import { checkSchema } from "./write.js";

/** What is read, and what records it becomes. `store`, `key`, and one of `table` and `query` are required. */
export interface ReadFromPostgresOptions {
  /** The table or view that is read, all of its columns. */
  readonly table?: string;
  /** The query whose rows are read, a SELECT or VALUES without parameters. */
  readonly query?: string;
  /** The object store that the records belong to. */
  readonly store: string;
  /** The column, or for array keys the columns, of the records' keys. They have to be of types that IndexedDB takes as keys. */
  readonly key: string | readonly string[];
  /** The name of the IndexedDB database. Default "". */
  readonly database?: string;
  /** The schema of the table, and of the unqualified names of the query. Default `public`. */
  readonly schema?: string;
  /**
   * The form of a column's values, where the type's own does not do: `number`, `bigint`, `text` (as PostgreSQL writes it), `date` (of timestamps without a zone, taken
   * as UTC), `json`, `taggedJson` (of columns that `writeToPostgres` has filled).
   */
  readonly as?: Readonly<Record<string, ValueForm>>;
  /** The device that the records are said to come from. Default "". */
  readonly device?: string;
  /** When they were captured, for `mergeDevices`, in milliseconds since the epoch. Default: when the pipeline was built. */
  readonly capturedAt?: number;
  /** Rows that are fetched at a time. Default 1,000. */
  readonly batchRows?: number;
  /** Name of the environment variable, where the workers run, that has the password. Default: PGPASSWORD, PGPASSFILE, or none. */
  readonly passwordFrom?: string;
  /** How often the connection and the first rows are tried. Default 10, about half a minute. */
  readonly maxAttempts?: number;
}

const optionNames = [
  "table",
  "query",
  "store",
  "key",
  "database",
  "schema",
  "as",
  "device",
  "capturedAt",
  "batchRows",
  "passwordFrom",
  "maxAttempts",
] as const satisfies readonly (keyof ReadFromPostgresOptions)[];

/**
 * Reads the rows of a table or query of a PostgreSQL database as records of an object store, so that a database can seed an IndexedDB.
 *
 * Required: `connection` as for `writeToPostgres`; the package `pg` 8 where the workers run.
 *
 * - **Values.** Each row is an object with a property a column. boolean, text, bytea (Uint8Array), json and jsonb, timestamptz (Date), and numbers are themselves, NULL is
 *   null; every other type (date, time, uuid, arrays, timestamps without a zone, ...) is the text that PostgreSQL writes. Nothing is rounded: an int8, a
 *   numeric or a number in JSON that no number of JavaScript is equal to, and a time with microseconds, are refused with the form that holds them.
 * - **One state.** All rows are of one snapshot of the database (repeatable read), fetched `batchRows` at a time by one worker, in the query's order.
 * - **Schema.** A sink of snapshots makes the object store with the key columns as its key path, where they can be one.
 *
 * Counters: `recordsRead/<store>`, `readFailures`.
 *
 * @throws TypeError for options that make no sense and for a connection with a password, when the pipeline is built. At run time SnapshotError STORE_UNAVAILABLE,
 *   STORE_CONSTRAINT (no such column, a value that would be rounded, what the server says of the query), SNAPSHOT_KEY_INVALID (a key column that is NULL, or of a type
 *   that is no key).
 * @example
 * root
 *   .apply(readFromPostgres("postgres://reader@db.example/app", { table: "products", store: "products", key: "sku" }))
 *   .apply(writeToIndexedDB("seed/products"));
 */
export function readFromPostgres(
  connection: PostgresConnection,
  options: ReadFromPostgresOptions,
): PTransform<Root, PCollection<SnapshotRecord>> {
  const name = "readFromPostgres";
  checkOptionNames(name, options, optionNames);
  const { table, query, store, key, database = "", schema = "public", as = {}, device = "" } = options;
  const { capturedAt = Date.now(), batchRows = 1_000, passwordFrom, maxAttempts = 10 } = options;
  const place = postgresPlace(name, connection, passwordFrom);
  if ((table === undefined) === (query === undefined))
    throw new TypeError(`${name}: give either the table or the query that is read.`);
  if (typeof store !== "string") throw new TypeError(`${name}: store is the name of an object store.`);
  const keys = [key].flat();
  if (keys.length === 0 || !keys.every((column) => typeof column === "string" && column !== ""))
    throw new TypeError(`${name}: key is the name of a column, or several.`);
  for (const [column, form] of Object.entries(as)) {
    checkOneOf(name, `as of "${column}"`, form, valueForms);
    if (keys.includes(column) && (form === "bigint" || form === "json" || form === "taggedJson"))
      throw new TypeError(
        `${name}: the key column "${column}" cannot be ${form}: IndexedDB has no such keys.`,
      );
  }
  if (!Number.isFinite(capturedAt)) throw new TypeError(`${name}: capturedAt is no number of milliseconds.`);
  checkSchema(name, schema);
  const reading = new ReadRows({
    place,
    sql: query ?? `SELECT * FROM ${qualified(schema, table!)}`,
    schema,
    database,
    store,
    key,
    as,
    origin: { device, snapshot: "", capturedAt, sequence: 0 },
    batchRows: checkWholeNumber(name, "batchRows", batchRows, 1, 1_000_000),
    maxAttempts: checkWholeNumber(name, "maxAttempts", maxAttempts, 1, 1000),
  });
  return withName(name, (root: Root) => {
    const context = { records: counterFamily("recordsRead"), failures: counter("readFailures") };
    const records = root
      .apply(withName("once", create([0])))
      .apply(
        withName(
          "readRows",
          asyncParDo<number, SnapshotRecord[], typeof context>(reading, { concurrency: 1 }, context),
        ),
      )
      .flatMap(withName("each", eachRecord));
    attachSchemas(
      records,
      root.apply(withName("schema", create([encodeSchema(schemaOf(database, store, key))]))),
    );
    atRunEnd(records, endIdle);
    return records;
  });
}

function eachRecord(batch: SnapshotRecord[]): SnapshotRecord[] {
  return batch;
}

/** Names that can be a key path; others are keys beside the value. */
const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

function schemaOf(name: string, store: string, key: string | readonly string[]): DatabaseSchema {
  const keyPath = [key].flat().every((column) => identifier.test(column)) ? key : null;
  return { name, version: 1, objectStores: [{ name: store, keyPath, autoIncrement: false, indexes: [] }] };
}

registerFunctions("beam-indexeddb/io", { eachRecord });
