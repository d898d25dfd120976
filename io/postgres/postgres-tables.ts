import { createHash } from "node:crypto";
import { SnapshotError } from "../../snapshot/index.js";
import {
  type KnownChild,
  type KnownColumn,
  type KnownTable,
  type PlannedTable,
  bookkeeping,
  columnEntry,
  knownPlans,
  plannedTables,
} from "../table/bookkeeping.js";
import { type TablePlan, metadataColumns } from "../table/column.js";
import { type IdentifierRules, quoteIdentifier } from "../table/identifier.js";
import { planTables } from "../table/plan-tables.js";
import type { DatasetStatistics } from "../table/store-statistics.js";
import type { TableWishes } from "../table/table-engine.js";
import { typeOfKind } from "./cell-text.js";
import type { PostgresClient } from "./connect.js";

const identifiers: IdentifierRules = {
  // NAMEDATALEN - 1; a longer name would be cut, and two become one.
  maxBytes: 63,
  reserved: [...Object.values(bookkeeping), ...["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "oid"]],
  reservedPrefix: "_beam_indexeddb_",
};

/** A row has to fit a page of 8 kB when every value but a pointer to it lies elsewhere: fewer columns than the 1600 that a table can have. */
const maxColumns = 350 - metadataColumns.length;

const metadataDeclarations = [
  "_key bytea NOT NULL",
  "_key_json text NOT NULL",
  "_device text NOT NULL",
  "_version bytea NOT NULL",
  "_deleted boolean NOT NULL",
  "_extracted_at timestamptz NOT NULL",
  "_load_id text NOT NULL",
  "_rest json",
  "_issues json",
];

const childDeclarations = [
  "_parent_key bytea NOT NULL",
  "_list_index integer NOT NULL",
  "_version bytea NOT NULL",
  "_rest json",
  "_issues json",
];

/** The name of a table with its schema: nothing is left to a search path. */
export function qualified(schema: string, table: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/** The number of an advisory lock for something of a schema: others that lock this number only wait a little longer than they had to. */
export function lockNumber(schema: string, what: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify(["beam-indexeddb", schema, what]))
    .digest();
  return digest.readBigInt64BE(0).toString();
}

/**
 * Makes what is missing: the schema, tables for stores and lists that have none, columns for new properties. Call it in a transaction; others who do
 * the same wait for its end.
 * @throws SnapshotError STORE_CONSTRAINT when something of that name exists that is not ours.
 */
export async function createPostgresTables(
  client: PostgresClient,
  schema: string,
  statistics: DatasetStatistics,
  wishes: TableWishes,
): Promise<TablePlan[]> {
  await client.query("SELECT pg_advisory_xact_lock($1::bigint)", [lockNumber(schema, "")]);
  await createBookkeeping(client, schema);
  const existing = await readPostgresPlans(client, schema);
  const known = existing.flatMap(plannedTables);
  const plans = planTables(statistics, existing, { ...wishes, identifiers, maxColumns });
  for (const plan of plans)
    for (const planned of plannedTables(plan))
      await createTable(
        client,
        schema,
        plan,
        planned,
        known.find(({ table }) => table === planned.table),
      );
  return plans;
}

/** The tables that earlier runs have made in the schema. */
export async function readPostgresPlans(client: PostgresClient, schema: string): Promise<TablePlan[]> {
  const all = async (columns: string, table: string, order: string): Promise<(string | null)[][]> =>
    (await client.query(`SELECT ${columns} FROM ${qualified(schema, table)} ORDER BY ${order}`)).rows;
  const tables = await all(`"database", store, "table"`, bookkeeping.tables, `"table"`);
  const children = await all(`parent, property, "table"`, bookkeeping.children, `"table"`);
  const columns = await all(
    `"table", "column", field, variant, kind`,
    bookkeeping.columns,
    `"table", position`,
  );
  return knownPlans(
    tables.map(([database, store, table]) => ({ database, store, table }) as KnownTable),
    children.map(([parent, property, table]) => ({ parent, property, table }) as KnownChild),
    columns.map(
      ([table, column, field, variant, kind]) =>
        ({ table, column, field, variant: variant === "t", kind }) as KnownColumn,
    ),
  );
}

/** Only what is missing is made: a user who may write, but not make anything, can write into tables that are there. */
async function createBookkeeping(client: PostgresClient, schema: string): Promise<void> {
  const exists = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
  if (exists.rows.length === 0) await client.run(`CREATE SCHEMA ${quoteIdentifier(schema)}`);
  const { rows } = await client.query(relationsSql, [schema, Object.values(bookkeeping)]);
  const there = new Set(rows.map(([name]) => name));
  const declarations: Readonly<Record<keyof typeof bookkeeping, string>> = {
    tables: `("database" text NOT NULL, store text NOT NULL, "table" text NOT NULL UNIQUE, PRIMARY KEY ("database", store))`,
    children: `(parent text NOT NULL, property text NOT NULL, "table" text NOT NULL UNIQUE, PRIMARY KEY (parent, property))`,
    columns: `("table" text NOT NULL, position integer NOT NULL, "column" text NOT NULL, field text, variant boolean NOT NULL, kind text NOT NULL, PRIMARY KEY ("table", position))`,
    deletions: `("table" text NOT NULL, _key bytea NOT NULL, _version bytea NOT NULL, PRIMARY KEY ("table", _key))`,
  };
  for (const name of Object.keys(declarations) as (keyof typeof bookkeeping)[])
    if (!there.has(bookkeeping[name]))
      await client.run(`CREATE TABLE ${qualified(schema, bookkeeping[name])} ${declarations[name]}`);
}

const relationsSql =
  "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = ANY($2::text[])";

async function createTable(
  client: PostgresClient,
  schema: string,
  plan: TablePlan,
  { table, columns, parent }: PlannedTable,
  before: PlannedTable | undefined,
): Promise<void> {
  const known = new Map(before?.columns.map(({ name, kind }) => [name, kind]));
  const missing = columns
    .filter(({ name }) => !known.has(name))
    .map(({ name, kind }) => `${quoteIdentifier(name)} ${typeOfKind[kind]}`);
  const name = qualified(schema, table);
  if (before) {
    const widened = columns
      .filter((column) => known.has(column.name) && known.get(column.name) !== column.kind)
      .map((column) => `ALTER COLUMN ${quoteIdentifier(column.name)} TYPE ${typeOfKind[column.kind]}`);
    const changes = [...missing.map((column) => `ADD COLUMN ${column}`), ...widened];
    if (changes.length > 0) await client.run(`ALTER TABLE ${name} ${changes.join(", ")}`);
  } else {
    await refuseForeign(client, schema, plan, table);
    // An index named after the table might take the name of another store's table.
    const key = `CONSTRAINT ${quoteIdentifier(`_beam_indexeddb_pk_${hash(table)}`)} PRIMARY KEY`;
    const declarations = parent
      ? [...childDeclarations, ...missing, `${key} (_parent_key, _list_index)`]
      : [...metadataDeclarations, ...missing, `${key} (_key)`];
    await client.run(`CREATE TABLE ${name} (${declarations.join(", ")})`);
    await client.query(
      `INSERT INTO ${qualified(schema, parent ? bookkeeping.children : bookkeeping.tables)} VALUES ($1, $2, $3)`,
      parent
        ? [parent.table, JSON.stringify(parent.property), table]
        : [JSON.stringify(plan.database), JSON.stringify(plan.store), table],
    );
  }
  await recordColumns(client, schema, table, columns);
}

function hash(table: string): string {
  return createHash("sha256").update(table).digest("hex").slice(0, 16);
}

async function refuseForeign(
  client: PostgresClient,
  schema: string,
  plan: TablePlan,
  table: string,
): Promise<void> {
  const { rows } = await client.query(
    "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 UNION ALL SELECT 1 FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = $1 AND t.typname = $2 AND t.typelem = 0",
    [schema, table],
  );
  if (rows.length === 0) return;
  throw new SnapshotError(
    "STORE_CONSTRAINT",
    `The schema "${schema}" already has a table, view, index or type "${table}" that this package did not make. Give the store another table: tables: { ${JSON.stringify(plan.store)}: "..." }, or choose another schema.`,
    { store: plan.store },
  );
}

async function recordColumns(
  client: PostgresClient,
  schema: string,
  table: string,
  columns: PlannedTable["columns"],
): Promise<void> {
  const entries = columns.map((column, position) => ({ position, ...columnEntry(column, table) }));
  await client.query(
    `INSERT INTO ${qualified(schema, bookkeeping.columns)} ("table", position, "column", field, variant, kind)
     SELECT * FROM json_to_recordset($1::json) AS s("table" text, position integer, "column" text, field text, variant boolean, kind text)
     ON CONFLICT ("table", position) DO UPDATE SET kind = excluded.kind`,
    [JSON.stringify(entries)],
  );
}
