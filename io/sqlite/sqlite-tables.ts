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
import { type Column, type ColumnKind, type TablePlan, metadataColumns } from "../table/column.js";
import { type IdentifierRules, quoteIdentifier } from "../table/identifier.js";
import { planTables } from "../table/plan-tables.js";
import type { DatasetStatistics } from "../table/store-statistics.js";
import type { TableWishes } from "../table/table-engine.js";
import type { SqliteDatabase, SqliteValue } from "./sqlite-driver.js";

const identifiers: IdentifierRules = {
  // SQLite itself has no limit; this is PostgreSQL's, so that a name stays what it is when the data moves on.
  maxBytes: 63,
  reserved: [...Object.values(bookkeeping), "rowid", "oid", "_rowid_"],
  reservedPrefix: "sqlite_",
};

/** SQLite takes 2000 columns unless it is compiled otherwise. */
const maxColumns = 2000 - metadataColumns.length;

/** Declared types. Not `JSON`, `BOOLEAN` or `DATE`: SQLite would turn texts that look like numbers into numbers. */
const declaredTypes: Readonly<Record<ColumnKind, string>> = {
  boolean: "INTEGER",
  integer: "INTEGER",
  number: "REAL",
  bigint: "INTEGER",
  text: "TEXT",
  date: "TEXT",
  binary: "BLOB",
  json: "TEXT",
};

const metadataDeclarations = [
  "_key BLOB PRIMARY KEY NOT NULL",
  "_key_json TEXT NOT NULL",
  "_device TEXT NOT NULL",
  "_version BLOB NOT NULL",
  "_deleted INTEGER NOT NULL",
  "_extracted_at TEXT NOT NULL",
  "_load_id TEXT NOT NULL",
  "_rest TEXT",
  "_issues TEXT",
];

const childDeclarations = [
  "_parent_key BLOB NOT NULL",
  "_list_index INTEGER NOT NULL",
  "_version BLOB NOT NULL",
  "_rest TEXT",
  "_issues TEXT",
];

/**
 * Makes what is missing, in one transaction: tables for stores and lists that have none, columns for new properties. Two pipelines may do this at the
 * same time.
 * @throws SnapshotError STORE_CONSTRAINT when a table of that name exists that is not ours.
 */
export function createSqliteTables(
  database: SqliteDatabase,
  statistics: DatasetStatistics,
  wishes: TableWishes,
): TablePlan[] {
  return database.transaction(() => {
    createBookkeeping(database);
    const existing = readTablePlans(database);
    const known = existing.flatMap(plannedTables);
    const plans = planTables(statistics, existing, { ...wishes, identifiers, maxColumns });
    for (const plan of plans)
      for (const planned of plannedTables(plan))
        createTable(
          database,
          plan,
          planned,
          known.find(({ table }) => table === planned.table),
        );
    return plans;
  });
}

/** The tables that earlier runs have made. */
export function readTablePlans(database: SqliteDatabase): TablePlan[] {
  const all = (table: string, order: string): Record<string, SqliteValue>[] =>
    database.all(`SELECT * FROM ${table} ORDER BY ${order}`);
  return knownPlans(
    all(bookkeeping.tables, '"table"') as unknown as KnownTable[],
    all(bookkeeping.children, '"table"') as unknown as KnownChild[],
    all(bookkeeping.columns, '"table", position').map((row) => ({
      ...(row as unknown as KnownColumn),
      variant: row.variant === 1n,
    })),
  );
}

function createBookkeeping(database: SqliteDatabase): void {
  const declarations: Readonly<Record<keyof typeof bookkeeping, string>> = {
    tables: `("database" TEXT NOT NULL, store TEXT NOT NULL, "table" TEXT NOT NULL UNIQUE, PRIMARY KEY ("database", store))`,
    children: `(parent TEXT NOT NULL, property TEXT NOT NULL, "table" TEXT NOT NULL UNIQUE, PRIMARY KEY (parent, property))`,
    columns: `("table" TEXT NOT NULL, position INTEGER NOT NULL, "column" TEXT NOT NULL, field TEXT, variant INTEGER NOT NULL, kind TEXT NOT NULL, PRIMARY KEY ("table", position))`,
    deletions: `("table" TEXT NOT NULL, _key BLOB NOT NULL, _version BLOB NOT NULL, PRIMARY KEY ("table", _key)) WITHOUT ROWID`,
  };
  for (const [name, declaration] of Object.entries(declarations))
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${bookkeeping[name as keyof typeof bookkeeping]} ${declaration}`,
    );
}

function createTable(
  database: SqliteDatabase,
  plan: TablePlan,
  { table, columns, parent }: PlannedTable,
  before: PlannedTable | undefined,
): void {
  const known = new Set(before?.columns.map(({ name }) => name));
  const missing = columns
    .filter(({ name }) => !known.has(name))
    .map(({ name, kind }) => `${quoteIdentifier(name)} ${declaredTypes[kind]}`);
  if (before) {
    for (const column of missing) database.exec(`ALTER TABLE ${quoteIdentifier(table)} ADD COLUMN ${column}`);
  } else {
    refuseForeignTable(database, plan, table);
    const declarations = parent
      ? [...childDeclarations, ...missing, "PRIMARY KEY (_parent_key, _list_index)"]
      : [...metadataDeclarations, ...missing];
    database.exec(`CREATE TABLE ${quoteIdentifier(table)} (${declarations.join(", ")})`);
    const names: SqliteValue[] = parent
      ? [parent.table, JSON.stringify(parent.property), table]
      : [JSON.stringify(plan.database), JSON.stringify(plan.store), table];
    database
      .prepare(`INSERT INTO ${parent ? bookkeeping.children : bookkeeping.tables} VALUES (?, ?, ?)`)
      .run(names);
  }
  recordColumns(database, table, columns);
}

function refuseForeignTable(database: SqliteDatabase, plan: TablePlan, table: string): void {
  const found = database.all("SELECT type FROM sqlite_master WHERE name = ? COLLATE NOCASE", [table]);
  if (found.length === 0) return;
  throw new SnapshotError(
    "STORE_CONSTRAINT",
    `The file already has a ${String(found[0]!.type)} "${table}" that this package did not make. Give the store another table: tables: { ${JSON.stringify(plan.store)}: "..." }.`,
    { store: plan.store },
  );
}

/** An INTEGER column that widens to numbers keeps its declaration: SQLite's columns hold what they are given. */
function recordColumns(database: SqliteDatabase, table: string, columns: readonly Column[]): void {
  const insert = database.prepare(
    `INSERT INTO ${bookkeeping.columns} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET kind = excluded.kind`,
  );
  for (const [position, column] of columns.entries()) {
    const { column: name, field, variant, kind } = columnEntry(column, table);
    insert.run([table, position, name, field, variant ? 1 : 0, kind]);
  }
}
