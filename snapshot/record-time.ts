import { valueAt } from "./key-path.js";
import type { SnapshotRecord } from "./record.js";

const isoDate = /^[+-]?\d{4,6}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A time as apps keep it (a number, a valid Date, an ISO 8601 text), as a number that compares; undefined for anything else. */
export function timeOf(value: unknown): number | undefined {
  const time =
    typeof value === "number"
      ? value
      : value instanceof Date
        ? value.getTime()
        : typeof value === "string" && isoDate.test(value)
          ? Date.parse(value)
          : NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** When a record was written, by the time at this path of its value. A tombstone has no value: it was written when it was captured. */
export function recordTime(record: SnapshotRecord<unknown, unknown>, path: string): number | undefined {
  return record.deleted ? record.origin.capturedAt : timeOf(valueAt(record.value, path));
}
