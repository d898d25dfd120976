import { toHex } from "../../snapshot/index.js";
import type { Column, ColumnKind, TablePlan } from "../table/column.js";
import { type Cell, issuesJson, type TableRow } from "../table/table-row.js";

/** The columns of a row that are not null, as the members of a JSON object, with a comma between. */
export function jsonColumns({ columns }: TablePlan, { cells }: TableRow): string {
  const members: string[] = [];
  columns.forEach((column, i) => {
    const cell = cells[i];
    if (cell !== null && cell !== undefined) members.push(`${nameOf(column)}:${jsonCell(cell, column.kind)}`);
  });
  return members.join(",");
}

/** The metadata columns in the same form, `_rest` and `_issues` as JSON where they are not null. */
export function jsonMetadata(row: TableRow, loadId: string): string {
  const issues = issuesJson(row);
  return [
    `"_key":"${toHex(row.key)}"`,
    `"_key_json":${JSON.stringify(row.keyJson)}`,
    `"_device":${JSON.stringify(row.device)}`,
    `"_version":"${toHex(row.version)}"`,
    `"_deleted":${row.deleted}`,
    `"_extracted_at":"${row.extractedAt.toISOString()}"`,
    `"_load_id":${JSON.stringify(loadId)}`,
    ...(row.rest === null ? [] : [`"_rest":${row.rest}`]),
    ...(issues === null ? [] : [`"_issues":${issues}`]),
  ].join(",");
}

/**
 * Numbers as JSON numbers, but for the infinities, which JSON does not have: "Infinity", "-Infinity". BigInts as texts of digits: most readers of JSON
 * round a number beyond 2^53. Bytes as base64.
 */
function jsonCell(cell: NonNullable<Cell>, kind: ColumnKind): string {
  if (kind === "json") return cell as string;
  if (typeof cell === "string") return JSON.stringify(cell);
  if (typeof cell === "bigint") return `"${cell}"`;
  if (typeof cell !== "object") return Number.isFinite(Number(cell)) ? String(cell) : `"${cell}"`;
  if (cell instanceof Date) return `"${cell.toISOString()}"`;
  return `"${Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString("base64")}"`;
}

const names = new WeakMap<Column, string>();

function nameOf(column: Column): string {
  let name = names.get(column);
  if (name === undefined) names.set(column, (name = JSON.stringify(column.name)));
  return name;
}
