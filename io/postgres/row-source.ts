import { createHash } from "node:crypto";
import { jsonObject, type RowColumn } from "./cell-text.js";
import { copyFrom } from "./copy-from.js";
import { copyChunks } from "./copy-writer.js";
import type { PostgresClient } from "./connect.js";
import type { Cell } from "../table/table-row.js";

/** Rows that a statement can read. */
export interface RowSource {
  /** What stands behind FROM, as `s` with the columns `c0`, `c1`, ... */
  readonly from: string;
  /** The columns as expressions of their types, in their order. */
  readonly expressions: readonly string[];
  readonly values: readonly unknown[];
}

/** From this many rows on, making a table of them and filling it by COPY costs less than a JSON text that the server parses. */
export const copyFromRows = 5_000;

/**
 * Hands rows to the server; they are there until the end of the transaction.
 * @param table What they are for: once in a transaction.
 */
export async function sendRows(
  client: PostgresClient,
  table: string,
  columns: readonly RowColumn[],
  rows: readonly (readonly Cell[])[],
): Promise<RowSource> {
  return rows.length < copyFromRows ? jsonRows(columns, rows) : stagedRows(client, table, columns, rows);
}

function jsonRows(columns: readonly RowColumn[], rows: readonly (readonly Cell[])[]): RowSource {
  // A JSON value inside of JSON would be parsed as one, and a NUL in it refused; as a text it is kept.
  const declared = columns.map(({ type }, i) => `c${i} ${type === "json" ? "text" : type}`);
  return {
    from: `json_to_recordset($1::json) AS s(${declared.join(", ")})`,
    expressions: columns.map(({ type }, i) => (type === "json" ? `s.c${i}::json` : `s.c${i}`)),
    values: [`[${rows.map(jsonObject).join(",")}]`],
  };
}

async function stagedRows(
  client: PostgresClient,
  table: string,
  columns: readonly RowColumn[],
  rows: readonly (readonly Cell[])[],
): Promise<RowSource> {
  const declared = columns.map(({ type }, i) => `c${i} ${type}`).join(", ");
  // It stays with the connection, and is empty after each transaction.
  const shape = createHash("sha256").update(`${table}\n${declared}`).digest("hex").slice(0, 16);
  const stage = `pg_temp.stage_${shape}`;
  await client.run(`CREATE TEMP TABLE IF NOT EXISTS stage_${shape} (${declared}) ON COMMIT DELETE ROWS`);
  const types = columns.map(({ type }) => type);
  await copyFrom(client, `COPY ${stage} FROM STDIN WITH (FORMAT binary)`, copyChunks(types, rows));
  return { from: `${stage} AS s`, expressions: columns.map((_, i) => `s.c${i}`), values: [] };
}
