import type { DuckDBConnection } from "@duckdb/node-api";
import { SnapshotError } from "../../snapshot/index.js";
import {
  bookkeeping,
  columnEntry,
  type KnownChild,
  type KnownColumn,
  knownPlans,
  type KnownTable,
  type PlannedTable,
  plannedTables,
} from "../table/bookkeeping.js";
import { type ColumnKind, metadataColumns, type TablePlan } from "../table/column.js";
import { type IdentifierRules, quoteIdentifier } from "../table/identifier.js";
import { planTables } from "../table/plan-tables.js";
import type { DatasetStatistics } from "../table/store-statistics.js";
import type { TableWishes } from "../table/table-engine.js";

const identifiers: IdentifierRules = {
  // DuckDB itself has no limit; this is PostgreSQL's, so that a name stays what it is when the data moves on.
  maxBytes: 63,
  reserved: [...Object.values(bookkeeping), "rowid", "_is_there"],
  reservedPrefix: "_beam_indexeddb_",
};

const maxColumns = 2000 - metadataColumns.length;

/** JSON is kept as text: DuckDB's own type refuses what is JSON but no Unicode, such as half a surrogate pair. */
export const typeOfKind: Readonly<Record<ColumnKind, string>> = {
  boolean: "BOOLEAN",
  integer: "BIGINT",
  number: "DOUBLE",
  bigint: "BIGINT",
  text: "VARCHAR",
  date: "TIMESTAMPTZ",
  binary: "BLOB",
  json: "VARCHAR",
};

/**
 * Without a primary key: the index would cost most of the time and memory of a load, and every write is a join with the table. That a key stands once is what
 * the one writer of a file guarantees.
 */
export const metadataDeclarations = [
  "_key BLOB NOT NULL",
  "_key_json VARCHAR NOT NULL",
  "_device VARCHAR NOT NULL",
  "_version BLOB NOT NULL",
  "_deleted BOOLEAN NOT NULL",
  "_extracted_at TIMESTAMPTZ NOT NULL",
  "_load_id VARCHAR NOT NULL",
  "_rest VARCHAR",
  "_issues VARCHAR",
];

export const childDeclarations = [
  "_parent_key BLOB NOT NULL",
  "_list_index INTEGER NOT NULL",
  "_version BLOB NOT NULL",
  "_rest VARCHAR",
  "_issues VARCHAR",
];

/**
 * Makes what is missing: tables for stores and lists that have none, columns for new properties. Call it in a transaction.
 * @throws SnapshotError STORE_CONSTRAINT when something of that name exists that is not ours.
 */
export async function createDuckdbTables(
  connection: DuckDBConnection,
  statistics: DatasetStatistics,
  wishes: TableWishes,
): Promise<TablePlan[]> {
  await createBookkeeping(connection);
  const existing = await readDuckdbPlans(connection);
  const known = existing.flatMap(plannedTables);
  const plans = planTables(statistics, existing, { ...wishes, identifiers, maxColumns });
  for (const plan of plans)
    for (const planned of plannedTables(plan))
      await createTable(
        connection,
        plan,
        planned,
        known.find(({ table }) => table === planned.table),
      );
  return plans;
}

/** The tables that earlier runs have made. */
export async function readDuckdbPlans(connection: DuckDBConnection): Promise<TablePlan[]> {
  const all = async (table: string, order: string): Promise<unknown> =>
    (await connection.runAndReadAll(`SELECT * FROM ${table} ORDER BY ${order}`)).getRowObjectsJS();
  return knownPlans(
    (await all(bookkeeping.tables, '"table"')) as KnownTable[],
    (await all(bookkeeping.children, '"table"')) as KnownChild[],
    (await all(bookkeeping.columns, '"table", position')) as KnownColumn[],
  );
}

async function createBookkeeping(connection: DuckDBConnection): Promise<void> {
  const declarations: Readonly<Record<keyof typeof bookkeeping, string>> = {
    tables: `("database" VARCHAR NOT NULL, store VARCHAR NOT NULL, "table" VARCHAR NOT NULL)`,
    children: `(parent VARCHAR NOT NULL, property VARCHAR NOT NULL, "table" VARCHAR NOT NULL)`,
    columns: `("table" VARCHAR NOT NULL, position INTEGER NOT NULL, "column" VARCHAR NOT NULL, field VARCHAR, variant BOOLEAN NOT NULL, kind VARCHAR NOT NULL)`,
    deletions: `("table" VARCHAR NOT NULL, _key BLOB NOT NULL, _version BLOB NOT NULL)`,
  };
  for (const [name, declaration] of Object.entries(declarations))
    await connection.run(
      `CREATE TABLE IF NOT EXISTS ${bookkeeping[name as keyof typeof bookkeeping]} ${declaration}`,
    );
}

async function createTable(
  connection: DuckDBConnection,
  plan: TablePlan,
  { table, columns, parent }: PlannedTable,
  before: PlannedTable | undefined,
): Promise<void> {
  const known = new Map(before?.columns.map(({ name, kind }) => [name, kind]));
  const missing = columns
    .filter(({ name }) => !known.has(name))
    .map(({ name, kind }) => `${quoteIdentifier(name)} ${typeOfKind[kind]}`);
  const name = quoteIdentifier(table);
  if (before) {
    for (const column of missing) await connection.run(`ALTER TABLE ${name} ADD COLUMN ${column}`);
    for (const column of columns)
      if (known.has(column.name) && known.get(column.name) !== column.kind)
        await connection.run(
          `ALTER TABLE ${name} ALTER COLUMN ${quoteIdentifier(column.name)} TYPE ${typeOfKind[column.kind]}`,
        );
  } else {
    await refuseForeign(connection, plan, table);
    const declarations = [...(parent ? childDeclarations : metadataDeclarations), ...missing];
    await connection.run(`CREATE TABLE ${name} (${declarations.join(", ")})`);
    await connection.run(
      `INSERT INTO ${parent ? bookkeeping.children : bookkeeping.tables} VALUES (?, ?, ?)`,
      parent
        ? [parent.table, JSON.stringify(parent.property), table]
        : [JSON.stringify(plan.database), JSON.stringify(plan.store), table],
    );
  }
  await recordColumns(connection, table, columns);
}

async function refuseForeign(connection: DuckDBConnection, plan: TablePlan, table: string): Promise<void> {
  const found = await connection.runAndReadAll(
    "SELECT 1 FROM information_schema.tables WHERE table_schema = 'main' AND lower(table_name) = lower(?)",
    [table],
  );
  if (found.currentRowCount === 0) return;
  throw new SnapshotError(
    "STORE_CONSTRAINT",
    `The file already has a table or view "${table}" that this package did not make. Give the store another table: tables: { ${JSON.stringify(plan.store)}: "..." }.`,
    { store: plan.store },
  );
}

async function recordColumns(
  connection: DuckDBConnection,
  table: string,
  columns: PlannedTable["columns"],
): Promise<void> {
  await connection.run(`DELETE FROM ${bookkeeping.columns} WHERE "table" = ?`, [table]);
  for (const [position, column] of columns.entries()) {
    const { column: name, field, variant, kind } = columnEntry(column, table);
    await connection.run(`INSERT INTO ${bookkeeping.columns} VALUES (?, ?, ?, ?, ?, ?)`, [
      table,
      position,
      name,
      field,
      variant,
      kind,
    ]);
  }
}
