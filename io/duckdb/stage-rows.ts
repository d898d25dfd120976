import type { DuckDBAppender } from "@duckdb/node-api";
import { type Column, type TablePlan } from "../table/column.js";
import { quoteIdentifier } from "../table/identifier.js";
import { type Cell, issuesJson, type RowValues, type TableRow } from "../table/table-row.js";
import { childDeclarations, metadataDeclarations, typeOfKind } from "./duckdb-tables.js";
import type { OpenDuckdb } from "./open-duckdb.js";

/** The temporary tables that rows lie in before they are merged. No store's table can be called like them: see `identifiers`. */
const stagedRowsTable = "_beam_indexeddb_staged_rows";
const stagedItemsTable = (child: number): string => `_beam_indexeddb_staged_items_${child}`;
export const stagedRows = `temp.${stagedRowsTable}`;
export const stagedItems = (child: number): string => `temp.${stagedItemsTable(child)}`;

/** Puts rows, and those of their lists, into temporary tables with the columns that the tables have: no type is inferred. */
export async function stageRows(
  database: OpenDuckdb,
  plan: TablePlan,
  rows: readonly TableRow[],
  loadId: string,
): Promise<void> {
  await stage(database, stagedRowsTable, metadataDeclarations, plan.columns, (appender) => {
    for (const row of rows) {
      appender.appendBlob(row.key);
      appender.appendVarchar(row.keyJson);
      appender.appendVarchar(row.device);
      appender.appendBlob(row.version);
      appender.appendBoolean(row.deleted);
      appendDate(database, appender, row.extractedAt);
      appender.appendVarchar(loadId);
      appendValues(database, appender, row, plan.columns);
    }
  });
  for (const [number, child] of plan.children.entries())
    await stage(database, stagedItemsTable(number), childDeclarations, child.columns, (appender) => {
      for (const row of rows)
        for (const [index, item] of row.children[number]!.entries()) {
          appender.appendBlob(row.key);
          appender.appendInteger(index);
          appender.appendBlob(row.version);
          appendValues(database, appender, item, child.columns);
        }
    });
}

async function stage(
  { connection }: OpenDuckdb,
  table: string,
  declarations: readonly string[],
  columns: readonly Column[],
  append: (appender: DuckDBAppender) => void,
): Promise<void> {
  const own = columns.map(({ name, kind }) => `${quoteIdentifier(name)} ${typeOfKind[kind]}`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} (${[...declarations, ...own].join(", ")})`);
  const appender = await connection.createAppender(table, "main", "temp");
  try {
    append(appender);
  } catch (error) {
    closeQuietly(appender);
    throw error;
  }
  appender.closeSync();
}

/** What it says then is a consequence. */
function closeQuietly(appender: DuckDBAppender): void {
  try {
    appender.closeSync();
  } catch {
    // The first error tells.
  }
}

function appendValues(
  database: OpenDuckdb,
  appender: DuckDBAppender,
  row: RowValues,
  columns: readonly Column[],
): void {
  appendText(appender, row.rest);
  appendText(appender, issuesJson(row));
  for (const [i, { kind }] of columns.entries()) appendCell(database, appender, row.cells[i]!, kind);
  appender.endRow();
}

function appendText(appender: DuckDBAppender, text: string | null): void {
  if (text === null) appender.appendNull();
  else appender.appendVarchar(text);
}

function appendCell(database: OpenDuckdb, appender: DuckDBAppender, cell: Cell, kind: Column["kind"]): void {
  if (cell === null) appender.appendNull();
  else if (typeof cell === "string") appender.appendVarchar(cell);
  else if (typeof cell === "boolean") appender.appendBoolean(cell);
  else if (typeof cell === "bigint") appender.appendBigInt(cell);
  else if (typeof cell !== "number") {
    if (cell instanceof Date) appendDate(database, appender, cell);
    else appender.appendBlob(cell);
  } else if (kind === "integer") appender.appendBigInt(BigInt(cell));
  else appender.appendDouble(cell);
}

function appendDate({ module }: OpenDuckdb, appender: DuckDBAppender, date: Date): void {
  appender.appendTimestampTZ(new module.DuckDBTimestampTZValue(BigInt(date.getTime()) * 1000n));
}
