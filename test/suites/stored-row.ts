import { fromTaggedJson, fromTaggedJsonColumns } from "../../io/table/parse-tagged-json.js";
import type { Column } from "../../io/table/column.js";
import { toTaggedJson } from "../../io/table/tagged-json.js";
import { equalBytes } from "../../snapshot/index.js";
import { wholeValue } from "../../io/table/place-value.js";
import type { CellIssue } from "../../io/table/table-row.js";

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
  readonly children: readonly StoredChild[];
}

/** The table of a property's lists. */
export interface StoredChild {
  readonly property: string;
  readonly table: string;
  readonly columns: readonly Column[];
  /** In the order of their parents' keys and their places. */
  readonly rows: readonly StoredItem[];
}

export interface StoredItem {
  readonly parentKey: Uint8Array;
  readonly index: number;
  readonly version: Uint8Array;
  readonly rest: string | null;
  readonly issues: string | null;
  readonly cells: Readonly<Record<string, unknown>>;
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

/** The values that the rows were made of, from nothing but the rows. */
export function restoreValues(table: StoredTable): unknown[] {
  return table.rows.map((row) => restoreValue(row, table));
}

/** The value that a row was made of, from nothing but its rows: what cannot be rebuilt was lost. Null properties are left out. */
export function restoreValue(
  row: StoredRow,
  { columns, children }: Pick<StoredTable, "columns" | "children">,
): unknown {
  const json: Record<string, string> = {};
  const restored: Record<string, unknown> = {};
  for (const { name, field, kind } of columns) {
    const cell = row.cells[name];
    if (cell === null || cell === undefined) continue;
    if (field === undefined) {
      if (kind === "json") return fromTaggedJson(cell as string);
      return withIssues(cell, name, issuesOf(row));
    }
    if (kind === "json") define(json, field, cell);
    else define(restored, field, withIssues(cell, name, issuesOf(row)));
  }
  for (const child of children) {
    const items = child.rows.filter(({ parentKey }) => equalBytes(parentKey, row.key));
    if (items.length > 0)
      define(json, child.property, `[${items.map((item) => itemJson(item, child.columns)).join(",")}]`);
  }
  const fromJson = fromTaggedJsonColumns(json, row.rest);
  if (Object.keys(fromJson).length === 1 && wholeValue in fromJson && !row.rest!.startsWith('{"$object"'))
    return fromJson[wholeValue];
  for (const [field, value] of Object.entries(fromJson)) define(restored, field, value);
  return restored;
}

/** The item as the tagged JSON of its list would have it. */
function itemJson(item: StoredItem, columns: readonly Column[]): string {
  const parts: string[] = [];
  for (const { name, field, kind } of columns) {
    const cell = item.cells[name];
    if (cell === null || cell === undefined) continue;
    const text = kind === "json" ? (cell as string) : toTaggedJson(withIssues(cell, name, issuesOf(item)));
    if (field === undefined) return text;
    parts.push(`${JSON.stringify(field)}:${text}`);
  }
  const { rest } = item;
  if (rest?.startsWith(`{"${wholeValue}":`)) return rest.slice(`{"${wholeValue}":`.length, -1);
  if (rest !== null) {
    const escaped = rest.startsWith('{"$object":{');
    parts.push(escaped ? rest.slice('{"$object":{'.length, -2) : rest.slice(1, -1));
  }
  const object = `{${parts.join(",")}}`;
  return parts.some((part) => part.startsWith('"$')) || rest?.startsWith('{"$object":') === true
    ? `{"$object":${object}}`
    : object;
}

function issuesOf({ issues }: { readonly issues: string | null }): readonly CellIssue[] {
  return issues === null ? [] : (JSON.parse(issues) as CellIssue[]);
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
