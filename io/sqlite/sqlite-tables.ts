import { SnapshotError } from "../../snapshot/index.js";
import { type Column, type ColumnKind, type TablePlan, metadataColumns } from "../table/column.js";
import { type IdentifierRules, quoteIdentifier } from "../table/identifier.js";
import { planTables } from "../table/plan-tables.js";
import type { DatasetStatistics } from "../table/store-statistics.js";
import type { TableWishes } from "../table/table-engine.js";
import type { SqliteDatabase } from "./sqlite-driver.js";

/**
 * The tables in the file, and two tables of ours that say what they are for: which store a table belongs to, which property a column.
 * Names in them are JSON texts, since a store may be called anything. A third one remembers what was deleted for good.
 */
const tablesTable = "_beam_indexeddb_tables";
const columnsTable = "_beam_indexeddb_columns";
export const deletionsTable = "_beam_indexeddb_deletions";

const identifiers: IdentifierRules = {
  // SQLite itself has no limit; this is PostgreSQL's, so that a name stays what it is when the data moves on.
  maxBytes: 63,
  reserved: [tablesTable, columnsTable, deletionsTable, "rowid", "oid", "_rowid_"],
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

/**
 * Makes what is missing, in one transaction: tables for stores that have none, columns for new properties. Two pipelines may do this at the same time.
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
    const plans = planTables(statistics, existing, { ...wishes, identifiers, maxColumns });
    for (const plan of plans) createTable(database, plan, existing);
    return plans;
  });
}

/** The tables that earlier runs have made. */
export function readTablePlans(database: SqliteDatabase): TablePlan[] {
  const columns = database.all(`SELECT * FROM ${columnsTable} ORDER BY "table", position`);
  return database.all(`SELECT * FROM ${tablesTable} ORDER BY "table"`).map((row) => ({
    database: JSON.parse(row.database as string) as string,
    store: JSON.parse(row.store as string) as string,
    table: row.table as string,
    columns: columns
      .filter((column) => column.table === row.table)
      .map((column) => ({
        name: column.column as string,
        field: column.field === null ? undefined : (JSON.parse(column.field as string) as string),
        variant: column.variant === 1n,
        kind: column.kind as ColumnKind,
      })),
  }));
}

function createBookkeeping(database: SqliteDatabase): void {
  database.exec(
    `CREATE TABLE IF NOT EXISTS ${tablesTable} ("database" TEXT NOT NULL, store TEXT NOT NULL, "table" TEXT NOT NULL UNIQUE, PRIMARY KEY ("database", store))`,
  );
  database.exec(
    `CREATE TABLE IF NOT EXISTS ${columnsTable} ("table" TEXT NOT NULL, position INTEGER NOT NULL, "column" TEXT NOT NULL, field TEXT, variant INTEGER NOT NULL, kind TEXT NOT NULL, PRIMARY KEY ("table", position))`,
  );
  database.exec(
    `CREATE TABLE IF NOT EXISTS ${deletionsTable} ("table" TEXT NOT NULL, _key BLOB NOT NULL, _version BLOB NOT NULL, PRIMARY KEY ("table", _key)) WITHOUT ROWID`,
  );
}

function createTable(database: SqliteDatabase, plan: TablePlan, existing: readonly TablePlan[]): void {
  const table = quoteIdentifier(plan.table);
  const before = existing.find((known) => known.table === plan.table);
  const known = new Set(before?.columns.map(({ name }) => name));
  const missing = plan.columns
    .filter(({ name }) => !known.has(name))
    .map(({ name, kind }) => `${quoteIdentifier(name)} ${declaredTypes[kind]}`);
  if (before) {
    for (const column of missing) database.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`);
  } else {
    refuseForeignTable(database, plan);
    database.exec(`CREATE TABLE ${table} (${[...metadataDeclarations, ...missing].join(", ")})`);
    database
      .prepare(`INSERT INTO ${tablesTable} VALUES (?, ?, ?)`)
      .run([JSON.stringify(plan.database), JSON.stringify(plan.store), plan.table]);
  }
  recordColumns(database, plan.table, plan.columns);
}

function refuseForeignTable(database: SqliteDatabase, plan: TablePlan): void {
  const found = database.all("SELECT type FROM sqlite_master WHERE name = ? COLLATE NOCASE", [plan.table]);
  if (found.length === 0) return;
  throw new SnapshotError(
    "STORE_CONSTRAINT",
    `The file already has a ${String(found[0]!.type)} "${plan.table}" that this package did not make. Give the store another table: tables: { ${JSON.stringify(plan.store)}: "..." }.`,
    { store: plan.store },
  );
}

/** An INTEGER column that widens to numbers keeps its declaration: SQLite's columns hold what they are given. */
function recordColumns(database: SqliteDatabase, table: string, columns: readonly Column[]): void {
  const insert = database.prepare(
    `INSERT INTO ${columnsTable} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET kind = excluded.kind`,
  );
  for (const [position, { name, field, variant, kind }] of columns.entries())
    insert.run([
      table,
      position,
      name,
      field === undefined ? null : JSON.stringify(field),
      variant ? 1 : 0,
      kind,
    ]);
}
