import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SqliteDatabase, type SqliteDriverName, openSqlite } from "../../../io/sqlite/sqlite-driver.js";
import { sqliteSession } from "../../../io/sqlite/sqlite-engine.js";
import { readTablePlans } from "../../../io/sqlite/sqlite-tables.js";
import {
  type Column,
  type ColumnKind,
  childMetadataColumns,
  metadataColumns,
} from "../../../io/table/column.js";
import { quoteIdentifier } from "../../../io/table/identifier.js";
import type { StoreAdapter, StoreUnderTest } from "../../suites/store-suite.js";
import type { StoredTable } from "../../suites/stored-row.js";
import { writeBundles } from "../../suites/write-bundles.js";

/** Reads a table back and turns every cell into the type that its column stands for. */
export function readSqliteTable(
  database: SqliteDatabase,
  storeName: string,
  databaseName = "app",
): StoredTable {
  const plan = readTablePlans(database).find(
    (known) => known.store === storeName && known.database === databaseName,
  );
  if (!plan) return { table: "", columns: [], rows: [], children: [] };
  const rows = readRows(database, plan.table, metadataColumns, plan.columns, "_key");
  return {
    table: plan.table,
    columns: plan.columns,
    rows: rows.map(({ row, cells }) => ({
      key: row._key as Uint8Array,
      keyJson: row._key_json as string,
      device: row._device as string,
      version: row._version as Uint8Array,
      deleted: row._deleted === 1n,
      extractedAt: Date.parse(row._extracted_at as string),
      loadId: row._load_id as string,
      rest: row._rest as string | null,
      issues: row._issues as string | null,
      cells,
    })),
    children: plan.children.map((child) => ({
      ...child,
      rows: readRows(
        database,
        child.table,
        childMetadataColumns,
        child.columns,
        "_parent_key, _list_index",
      ).map(({ row, cells }) => ({
        parentKey: row._parent_key as Uint8Array,
        index: Number(row._list_index),
        version: row._version as Uint8Array,
        rest: row._rest as string | null,
        issues: row._issues as string | null,
        cells,
      })),
    })),
  };
}

function readRows(
  database: SqliteDatabase,
  table: string,
  metadata: readonly string[],
  columns: readonly Column[],
  order: string,
): { readonly row: Record<string, unknown>; readonly cells: Record<string, unknown> }[] {
  // Texts are read as bytes: libsql cuts them at NUL when it reads them, too.
  const selected = columns.map(({ name, kind }, i) => {
    const column = quoteIdentifier(name);
    return kind === "text" || kind === "json" ? `CAST(${column} AS BLOB) AS c${i}` : `${column} AS c${i}`;
  });
  return database
    .all(`SELECT ${[...metadata, ...selected].join(", ")} FROM ${quoteIdentifier(table)} ORDER BY ${order}`)
    .map((row) => ({
      row,
      cells: Object.fromEntries(
        columns.map(({ name, kind }, i) => [name, row[`c${i}`] === null ? null : cellOf(row[`c${i}`], kind)]),
      ),
    }));
}

function cellOf(cell: unknown, kind: ColumnKind): unknown {
  switch (kind) {
    case "boolean":
      return cell === 1n;
    case "integer":
    case "number":
      return Number(cell);
    case "date":
      return new Date(cell as string);
    case "text":
    case "json":
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(cell as Uint8Array);
    default:
      return cell;
  }
}

/** The core of the connector without a pipeline around it. */
export function sqliteCoreAdapter(driver: SqliteDriverName): StoreAdapter {
  return {
    name: `SQLite through ${driver}`,
    open: () => {
      const folder = mkdtempSync(join(tmpdir(), "sqlite-store-"));
      const database = openSqlite(join(folder, "test.sqlite"), 1000, driver);
      const store: StoreUnderTest = {
        write: (bundles, options = {}) => writeBundles(sqliteSession(database), bundles, options),
        read: (name, databaseName) => Promise.resolve(readSqliteTable(database, name, databaseName)),
        makeForeignTable: (name) => {
          database.exec(`CREATE TABLE ${quoteIdentifier(name)} (x)`);
          return Promise.resolve();
        },
        close: () => {
          database.close();
          rmSync(folder, { recursive: true });
          return Promise.resolve();
        },
      };
      return Promise.resolve(store);
    },
  };
}
