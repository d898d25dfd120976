import { hash } from "node:crypto";
import {
  SnapshotError,
  type SnapshotRecord,
  compareKeyBytes,
  describeKey,
  recordVersion,
} from "../../snapshot/index.js";
import { type Column, type ColumnKind, type TablePlan, holdsKind } from "./column.js";
import { type TaggedJsonPlace, fieldPlace, recordPlace, toTaggedJson, viewType } from "./tagged-json.js";
import { type ValueLimits, isPlainObject, kindOfValue } from "./value-kind.js";

/** A value that a column holds: what an engine binds. Dates are still Dates; JSON is text already. */
export type Cell = string | number | bigint | boolean | Date | Uint8Array | null;

export interface TableRow {
  readonly key: Uint8Array;
  readonly keyJson: string;
  readonly device: string;
  readonly version: Uint8Array;
  readonly deleted: boolean;
  readonly extractedAt: Date;
  readonly rest: string | null;
  /** For `_issues`: see `issuesJson`. */
  readonly issues: readonly CellIssue[];
  /** In the order of the plan's columns. */
  readonly cells: readonly Cell[];
}

/** What a column could not say about its value; together with it nothing is lost. */
export interface CellIssue {
  readonly column: string;
  /** `negative-zero`: the value was -0. `binary-type`: the bytes were those of another view than Uint8Array. */
  readonly issue: "negative-zero" | "binary-type";
  readonly detail?: string;
}

/**
 * The record as a row of its table. Every property ends in its column, in the variant column, or in `_rest`; NULL means null, undefined, or missing.
 * @param versionBy Path of the time that tells which version is newer, see `recordVersion`.
 * @throws SnapshotError SNAPSHOT_LIMIT_EXCEEDED when the value is nested too deeply, STORE_CONSTRAINT when the capture time is no date.
 */
export function toTableRow(
  record: SnapshotRecord,
  plan: TablePlan,
  versionBy: string | undefined,
  limits: ValueLimits = {},
): TableRow {
  const issues: CellIssue[] = [];
  const rest: Destination["rest"] = [];
  const cells: Cell[] = plan.columns.map(() => null);
  if (!record.deleted) placeValue(record.value, plan.columns, { cells, issues, rest, limits });
  return {
    key: record.keyBytes,
    keyJson: toTaggedJson(record.key),
    // A name that no text column can hold is still readable, and still tells devices apart.
    device:
      kindOfValue(record.origin.device, limits) === "text"
        ? record.origin.device
        : JSON.stringify(record.origin.device),
    version: recordVersion(record, versionBy, sha256),
    deleted: record.deleted,
    extractedAt: captureTime(record),
    rest: restObject(rest),
    issues,
    cells,
  };
}

/** What `_issues` holds. */
export function issuesJson({ issues }: TableRow): string | null {
  return issues.length === 0 ? null : JSON.stringify(issues);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

function captureTime(record: SnapshotRecord): Date {
  const time = new Date(record.origin.capturedAt);
  if (!Number.isNaN(time.getTime())) return time;
  throw new SnapshotError(
    "STORE_CONSTRAINT",
    `The record's capture time, ${record.origin.capturedAt}, is beyond what a date can be. Its origin was not written by this package; send such records to failedRecords, or set the origin in a step before the sink.`,
    { store: record.store, key: describeKey(record.key) },
  );
}

/** The newest row of each key, in the order of the keys: equal transactions for equal bundles, and no deadlock between writers. */
export function newestRows(rows: readonly TableRow[]): TableRow[] {
  const sorted = [...rows].sort(
    (a, b) => compareKeyBytes(a.key, b.key) || compareKeyBytes(b.version, a.version),
  );
  return sorted.filter((row, i) => i === 0 || compareKeyBytes(sorted[i - 1]!.key, row.key) !== 0);
}

/** The tag in `_rest` of a value that is no plain object, in a table that has no column for it. No property is taken for it: theirs are escaped. */
export const wholeValue = "$value";

interface Destination {
  readonly cells: Cell[];
  readonly issues: CellIssue[];
  readonly rest: [string | undefined, string][];
  readonly limits: ValueLimits;
}

function placeValue(value: unknown, columns: readonly Column[], to: Destination): void {
  if (!isPlainObject(value)) {
    placeField(undefined, value, columns, { seen: new Map(), step: undefined }, to);
    return;
  }
  const place = recordPlace(value);
  for (const field of Object.keys(value))
    placeField(field, value[field], columns, fieldPlace(place, field), to);
}

function placeField(
  field: string | undefined,
  value: unknown,
  columns: readonly Column[],
  place: TaggedJsonPlace,
  to: Destination,
): void {
  // A value that is null as a whole is not the empty object.
  const kind = kindOfValue(value, to.limits) ?? (field === undefined ? "json" : undefined);
  if (kind === undefined) return;
  const { main, variant } = columnsOf(columns, field);
  const target = main !== undefined && holdsKind(columns[main]!.kind, kind) ? main : variant;
  if (target === undefined) {
    to.rest.push([field, toTaggedJson(value, place)]);
    return;
  }
  const column = columns[target]!;
  to.cells[target] =
    column.kind === "json" ? toTaggedJson(value, place) : toCell(value, kind, column, to.issues);
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
