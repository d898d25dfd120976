import type { ColumnKind } from "../table/column.js";
import type { Cell } from "../table/table-row.js";

/** A column of rows on their way: its name in the table, and how it is declared. */
export interface RowColumn {
  readonly name: string;
  readonly type: PostgresType;
}

export type PostgresType =
  "boolean" | "bigint" | "double precision" | "text" | "timestamptz" | "bytea" | "json" | "integer";

/**
 * `json` and not `jsonb`: jsonb refuses NUL and lone surrogates, sorts properties and rounds nothing but its own way; json keeps the text, and with it
 * every value exactly. `column::jsonb` is for queries.
 */
export const typeOfKind: Readonly<Record<ColumnKind, PostgresType>> = {
  boolean: "boolean",
  integer: "bigint",
  number: "double precision",
  bigint: "bigint",
  text: "text",
  date: "timestamptz",
  binary: "bytea",
  json: "json",
};

/** PostgreSQL's dates begin in the year 4713 before our era. They end after those of JavaScript. */
export const earliestDate = Date.UTC(-4712, 0, 1);

/** The cell as PostgreSQL reads it from text. */
export function cellText(cell: Exclude<Cell, null>): string {
  if (typeof cell === "string") return cell;
  if (typeof cell === "boolean") return cell ? "t" : "f";
  if (cell instanceof Date) return timeText(cell);
  if (cell instanceof Uint8Array) return bytesText(cell);
  return String(cell);
}

export function bytesText(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}

/** ISO 8601 with PostgreSQL's way to write years beyond four digits, and before our era. */
export function timeText(time: Date): string {
  const iso = time.toISOString();
  if (iso.startsWith("+")) return iso.slice(1).replace(/^0+/, "");
  const year = time.getUTCFullYear();
  if (year > 0) return iso;
  const monthOn = iso.slice(iso.startsWith("-") ? 7 : 4).replace("Z", "+00");
  return `${String(1 - year).padStart(4, "0")}${monthOn} BC`;
}

/** An object of json_to_recordset, whose properties are `c0`, `c1`, ... A number beyond JSON's, and everything without a form in JSON, is a text. */
export function jsonObject(cells: readonly Cell[]): string {
  let object = "";
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    if (cell === null || cell === undefined) continue;
    const plain =
      typeof cell === "boolean" ||
      typeof cell === "bigint" ||
      (typeof cell === "number" && Number.isFinite(cell));
    object += `${object === "" ? "" : ","}"c${i}":${plain ? String(cell) : JSON.stringify(cellText(cell))}`;
  }
  return `{${object}}`;
}
