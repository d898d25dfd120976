import { hash } from "node:crypto";
import {
  type Key,
  type Origin,
  SnapshotError,
  type SnapshotRecord,
  compareKeyBytes,
  describeKey,
  recordVersion,
} from "../../snapshot/index.js";
import type { TablePlan } from "./column.js";
import { type PlacedValue, placeValue } from "./place-value.js";
import { toTaggedJson } from "./tagged-json.js";
import { type ValueLimits, isWithin, kindOfValue } from "./value-kind.js";

/** A value that a column holds: what an engine binds. Dates are still Dates; JSON is text already. */
export type Cell = string | number | bigint | boolean | Date | Uint8Array | null;

export interface TableRow extends RowValues {
  readonly key: Uint8Array;
  readonly keyJson: string;
  readonly device: string;
  readonly version: Uint8Array;
  readonly deleted: boolean;
  readonly extractedAt: Date;
  /** In the order of the plan's children, and of the items of each list. They take the place of all that are there. */
  readonly children: readonly (readonly RowValues[])[];
}

/** What a row of a table, or of a child table, says of its value. */
export interface RowValues {
  readonly rest: string | null;
  /** For `_issues`: see `issuesJson`. */
  readonly issues: readonly CellIssue[];
  /** In the order of the plan's columns. */
  readonly cells: readonly Cell[];
}

/** What a column could not say about its value; together with it nothing is lost. */
export interface CellIssue {
  /** The column, or for a list that has none the property. */
  readonly column: string;
  /**
   * `negative-zero`: the value was -0. `binary-type`: the bytes were those of another view than Uint8Array. `list-as-json`: the list is no rows of its child
   * table, since it has holes or further properties, or stands at another place of the value, too.
   */
  readonly issue: "negative-zero" | "binary-type" | "list-as-json";
  readonly detail?: string;
}

/**
 * The record as a row of its table. Every property ends in its column, in the variant column, or in `_rest`; NULL means null, undefined, or missing.
 * @param versionBy Path of the time that tells which version is newer, see `recordVersion`.
 * @throws SnapshotError SNAPSHOT_LIMIT_EXCEEDED when the value is nested too deeply or the key is too long, STORE_CONSTRAINT when the capture time is no date.
 */
export function toTableRow(
  record: SnapshotRecord,
  plan: TablePlan,
  versionBy: string | undefined,
  limits: ValueLimits = {},
): TableRow {
  const { keyBytes } = record;
  if (keyBytes.length > (limits.maxKeyBytes ?? Infinity)) throw keyTooLong(record, limits);
  const values = record.deleted ? noValues(plan) : placeValue(record.value, plan, limits);
  return {
    ...values,
    key: keyBytes,
    keyJson: keyText(record.key),
    device: deviceText(record.origin, limits),
    version: recordVersion(record, versionBy, sha256),
    deleted: record.deleted,
    extractedAt: captureTime(record, limits),
  };
}

/** What `_issues` holds. */
export function issuesJson({ issues }: RowValues): string | null {
  return issues.length === 0 ? null : JSON.stringify(issues);
}

/** Most keys are numbers or texts, which need no place. */
function keyText(key: Key): string {
  if (typeof key === "string") return JSON.stringify(key);
  return typeof key === "number" && Number.isSafeInteger(key) && !Object.is(key, -0)
    ? String(key)
    : toTaggedJson(key);
}

/** A name that no text column can hold is still readable, and still tells devices apart. */
function deviceText({ device }: Origin, limits: ValueLimits): string {
  return kindOfValue(device, limits) === "text" ? device : JSON.stringify(device);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

function noValues({ columns, children }: TablePlan): PlacedValue {
  return { cells: columns.map(() => null), rest: null, issues: [], children: children.map(() => []) };
}

function keyTooLong(record: SnapshotRecord, { maxKeyBytes }: ValueLimits): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_LIMIT_EXCEEDED",
    `The record's key has ${record.keyBytes.length} bytes, more than the ${maxKeyBytes} that the store's index holds. Give such records another key in a step before the sink, or send them to failedRecords.`,
    { store: record.store },
  );
}

function captureTime(record: SnapshotRecord, limits: ValueLimits): Date {
  const time = new Date(record.origin.capturedAt);
  if (isWithin(time.getTime(), limits)) return time;
  throw new SnapshotError(
    "STORE_CONSTRAINT",
    `The record's capture time, ${record.origin.capturedAt}, is beyond what a date can be there. Its origin was not written by this package; send such records to failedRecords, or set the origin in a step before the sink.`,
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
