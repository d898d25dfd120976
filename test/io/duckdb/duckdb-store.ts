import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { duckdbSession } from "../../../io/duckdb/duckdb-engine.js";
import { readDuckdbPlans } from "../../../io/duckdb/duckdb-tables.js";
import { openDuckdb } from "../../../io/duckdb/open-duckdb.js";
import {
  childMetadataColumns,
  type Column,
  type ColumnKind,
  metadataColumns,
} from "../../../io/table/column.js";
import { quoteIdentifier } from "../../../io/table/identifier.js";
import type { StoreAdapter } from "../../suites/store-suite.js";
import type { StoredTable } from "../../suites/stored-row.js";
import { writeBundles } from "../../suites/write-bundles.js";

/** Reads a table back and turns every cell into the type that its column stands for. */
export async function readDuckdbTable(
  connection: DuckDBConnection,
  storeName: string,
  databaseName = "app",
): Promise<StoredTable> {
  const plan = (await readDuckdbPlans(connection)).find(
    (known) => known.store === storeName && known.database === databaseName,
  );
  if (!plan) return { table: "", columns: [], rows: [], children: [] };
  const rows = await readRows(connection, plan.table, metadataColumns, plan.columns, "_key");
  const children = [];
  for (const child of plan.children) {
    const items = await readRows(
      connection,
      child.table,
      childMetadataColumns,
      child.columns,
      "_parent_key, _list_index",
    );
    children.push({
      ...child,
      rows: items.map(({ row, cells }) => ({
        parentKey: bytesOf(row._parent_key),
        index: row._list_index as number,
        version: bytesOf(row._version),
        rest: row._rest as string | null,
        issues: row._issues as string | null,
        cells,
      })),
    });
  }
  return {
    table: plan.table,
    columns: plan.columns,
    children,
    rows: rows.map(({ row, cells }) => ({
      key: bytesOf(row._key),
      keyJson: row._key_json as string,
      device: row._device as string,
      version: bytesOf(row._version),
      deleted: row._deleted as boolean,
      extractedAt: (row._extracted_at as Date).getTime(),
      loadId: row._load_id as string,
      rest: row._rest as string | null,
      issues: row._issues as string | null,
      cells,
    })),
  };
}

async function readRows(
  connection: DuckDBConnection,
  table: string,
  metadata: readonly string[],
  columns: readonly Column[],
  order: string,
): Promise<{ readonly row: Record<string, unknown>; readonly cells: Record<string, unknown> }[]> {
  const selected = columns.map(({ name }, i) => `${quoteIdentifier(name)} AS c${i}`);
  const result = await connection.runAndReadAll(
    `SELECT ${[...metadata, ...selected].join(", ")} FROM ${quoteIdentifier(table)} ORDER BY ${order}`,
  );
  return (result.getRowObjectsJS() as Record<string, unknown>[]).map((row) => ({
    row,
    cells: Object.fromEntries(
      columns.map(({ name, kind }, i) => [name, row[`c${i}`] === null ? null : cellOf(row[`c${i}`], kind)]),
    ),
  }));
}

function cellOf(cell: unknown, kind: ColumnKind): unknown {
  if (kind === "integer") return Number(cell);
  return kind === "binary" ? bytesOf(cell) : cell;
}

function bytesOf(value: unknown): Uint8Array {
  return new Uint8Array(value as Uint8Array);
}

/** The core of the connector without a pipeline around it. */
export const duckdbAdapter: StoreAdapter = {
  name: "DuckDB",
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "duckdb-store-"));
    const database = await openDuckdb(join(folder, "test.duckdb"), 1000);
    const session = duckdbSession(database);
    return {
      write: (bundles, options = {}) => writeBundles(session, bundles, options),
      read: (name, databaseName) => readDuckdbTable(database.connection, name, databaseName),
      makeForeignTable: async (name) => {
        await database.connection.run(`CREATE TABLE ${quoteIdentifier(name)} (x INTEGER)`);
      },
      close: async () => {
        await session.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};
