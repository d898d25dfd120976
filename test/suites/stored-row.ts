import { fromTaggedJson, fromTaggedJsonColumns } from "../../io/table/parse-tagged-json.js";
import type { Column } from "../../io/table/column.js";
import { type CellIssue, wholeValue } from "../../io/table/table-row.js";

/** A row as a store gives it back, with the types of its columns: the same for every engine. */
export interface StoredRow {
  readonly key: Uint8Array;
  readonly keyJson: string;
  readonly device: string;
  readonly version: Uint8Array;
  readonly deleted: boolean;
  /** Milliseconds since the epoch. */
  readonly extractedAt: number;
  readonly loadId: string;
  readonly rest: string | null;
  readonly issues: string | null;
  /** By column name: boolean, number (integer, number), bigint, string (text, json), Date, Uint8Array, null. */
  readonly cells: Readonly<Record<string, unknown>>;
}

export interface StoredTable {
  readonly table: string;
  readonly columns: readonly Column[];
  /** In the order of their keys. */
  readonly rows: readonly StoredRow[];
}

const viewTypes: Readonly<Record<string, new (buffer: ArrayBuffer) => unknown>> = {
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
};

/** The value that a row was made of, from nothing but the row: what cannot be rebuilt was lost. Null properties are left out. */
export function restoreValue(row: StoredRow, columns: readonly Column[]): unknown {
  const issues = row.issues === null ? [] : (JSON.parse(row.issues) as CellIssue[]);
  const json: Record<string, string> = {};
  const restored: Record<string, unknown> = {};
  for (const { name, field, kind } of columns) {
    const cell = row.cells[name];
    if (cell === null || cell === undefined) continue;
    if (field === undefined) {
      if (kind === "json") return fromTaggedJson(cell as string);
      return withIssues(cell, name, issues);
    }
    if (kind === "json") define(json, field, cell);
    else define(restored, field, withIssues(cell, name, issues));
  }
  const fromJson = fromTaggedJsonColumns(json, row.rest);
  if (Object.keys(fromJson).length === 1 && wholeValue in fromJson && !row.rest!.startsWith('{"$object"'))
    return fromJson[wholeValue];
  for (const [field, value] of Object.entries(fromJson)) define(restored, field, value);
  return restored;
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

function withIssues(cell: unknown, name: string, issues: readonly CellIssue[]): unknown {
  const found = issues.find(({ column }) => column === name);
  if (found?.issue === "negative-zero") return -0;
  if (!(cell instanceof Uint8Array)) return cell;
  const copy = Uint8Array.from(cell);
  if (found?.issue !== "binary-type") return copy;
  return found.detail === "ArrayBuffer" ? copy.buffer : new viewTypes[found.detail!]!(copy.buffer);
}
