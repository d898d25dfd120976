import { type ChildPlan, type Column, type ColumnKind, type TablePlan, holdsKind } from "./column.js";
import type { Cell, CellIssue, RowValues } from "./table-row.js";
import { type TaggedJsonPlace, fieldPlace, recordPlace, toTaggedJson, viewType } from "./tagged-json.js";
import { type ValueLimits, isList, isPlainObject, kindOfValue } from "./value-kind.js";

/** The tag in `_rest` of a value that is no plain object, in a table that has no column for it. No property is taken for it: theirs are escaped. */
export const wholeValue = "$value";

/** A value as the rows of a table and its children. */
export interface PlacedValue extends RowValues {
  readonly children: readonly (readonly RowValues[])[];
}

interface Destination {
  readonly columns: readonly Column[];
  readonly cells: Cell[];
  readonly issues: CellIssue[];
  readonly rest: [string | undefined, string][];
  readonly limits: ValueLimits;
}

function emptyRow(columns: readonly Column[], limits: ValueLimits): Destination {
  return { columns, cells: columns.map(() => null), issues: [], rest: [], limits };
}

function finishRow({ cells, issues, rest }: Destination): RowValues {
  return { cells, issues, rest: restObject(rest) };
}

/**
 * The value by columns. Every property ends in its column, in the variant column, in `_rest`, or as rows of its child table; NULL means null,
 * undefined, or missing. References in the JSON of any of them are written from the record's value.
 * @throws SnapshotError SNAPSHOT_LIMIT_EXCEEDED when the value is nested too deeply.
 */
export function placeValue(value: unknown, plan: TablePlan, limits: ValueLimits): PlacedValue {
  const to = emptyRow(plan.columns, limits);
  const children: RowValues[][] = plan.children.map(() => []);
  if (!isPlainObject(value)) {
    placeField(undefined, value, { seen: new Map(), step: undefined }, to);
    return { ...finishRow(to), children };
  }
  const record = recordPlace(value);
  for (const field of Object.keys(value)) {
    const item = value[field];
    const child = plan.children.length === 0 ? -1 : childOf(plan, field);
    if (child === -1) {
      placeField(field, item, record, to);
      continue;
    }
    const place = fieldPlace(record, field);
    if (isList(item) && !record.seen.has(item)) {
      record.seen.set(item, place.step);
      children[child] = item.map((one, i) => placeItem(one, plan.children[child]!, inside(place, i), limits));
    } else {
      placeField(field, item, record, to);
      if (Array.isArray(item) && item.length > 0) to.issues.push({ column: field, issue: "list-as-json" });
    }
  }
  return { ...finishRow(to), children };
}

function childOf({ children }: TablePlan, field: string): number {
  return children.findIndex(({ property }) => property === field);
}

function placeItem(
  item: unknown,
  { columns }: ChildPlan,
  place: TaggedJsonPlace,
  limits: ValueLimits,
): RowValues {
  const to = emptyRow(columns, limits);
  if (isPlainObject(item) && !place.seen.has(item)) {
    place.seen.set(item, place.step);
    const fields = Object.keys(item);
    // The way is that of the JSON of the whole value, where such an object is escaped.
    const at = fields.some((field) => field.startsWith("$")) ? inside(place, "$object") : place;
    for (const field of fields) placeField(field, item[field], at, to);
  } else {
    placeField(undefined, item, place, to);
  }
  return finishRow(to);
}

function inside({ seen, step }: TaggedJsonPlace, name: string | number): TaggedJsonPlace {
  return { seen, step: { parent: step, name } };
}

/** @param around The place of the object that has the field; of a value without one, its own. */
function placeField(
  field: string | undefined,
  value: unknown,
  around: TaggedJsonPlace,
  to: Destination,
): void {
  const { columns } = to;
  // A value that is null as a whole is not the empty object.
  const kind = kindOfValue(value, to.limits) ?? (field === undefined ? "json" : undefined);
  if (kind === undefined) return;
  const { main, variant } = columnsOf(columns, field);
  const target = main !== undefined && holdsKind(columns[main]!.kind, kind) ? main : variant;
  if (target === undefined) {
    to.rest.push([field, json(field, value, around)]);
    return;
  }
  const column = columns[target]!;
  to.cells[target] =
    column.kind === "json" ? json(field, value, around) : toCell(value, kind, column, to.issues);
}

function json(field: string | undefined, value: unknown, around: TaggedJsonPlace): string {
  return toTaggedJson(value, field === undefined ? around : inside(around, field));
}

/** As tagged JSON, the object of the properties without a column; a whole value without a column is told by its tag. */
function restObject(rest: Destination["rest"]): string | null {
  if (rest.length === 0) return null;
  const body = `{${rest.map(([name = wholeValue, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
  return rest.some(([name]) => name?.startsWith("$")) ? `{"$object":${body}}` : body;
}

function toCell(value: unknown, kind: ColumnKind, column: Column, issues: CellIssue[]): Cell {
  if (kind === "binary") return toBytes(value as ArrayBuffer | ArrayBufferView, column, issues);
  if (Object.is(value, -0)) {
    issues.push({ column: column.name, issue: "negative-zero" });
    return 0;
  }
  return value as Cell;
}

function toBytes(value: ArrayBuffer | ArrayBufferView, column: Column, issues: CellIssue[]): Uint8Array {
  if (!ArrayBuffer.isView(value)) {
    issues.push({ column: column.name, issue: "binary-type", detail: "ArrayBuffer" });
    return new Uint8Array(value);
  }
  const type = viewType(value);
  if (type !== "Uint8Array") issues.push({ column: column.name, issue: "binary-type", detail: type });
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

interface FieldColumns {
  main?: number;
  variant?: number;
}

const indexes = new WeakMap<readonly Column[], Map<string | undefined, FieldColumns>>();
const none: FieldColumns = {};

function columnsOf(columns: readonly Column[], field: string | undefined): FieldColumns {
  let index = indexes.get(columns);
  if (!index) {
    index = new Map();
    for (const [i, column] of columns.entries()) {
      const entry = index.get(column.field) ?? {};
      entry[column.variant ? "variant" : "main"] = i;
      index.set(column.field, entry);
    }
    indexes.set(columns, index);
  }
  return index.get(field) ?? none;
}
