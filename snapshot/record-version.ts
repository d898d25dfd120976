import { compareKeyBytes, encodeKey } from "./key.js";
import type { SnapshotRecord } from "./record.js";
import { recordTime } from "./record-time.js";
import { sha256 } from "./sha256.js";

/**
 * Which of two records of one key is the later version: by the time at a path of the value when one is given (a record without it is older than
 * any with it), then by capture time, sequence and device; what is still equal, by deletion (later than a value) and a hash of the content. The order
 * is total, so no outcome depends on the order of arrival, and only equal records are equal versions.
 */
export function compareVersions(
  a: SnapshotRecord<unknown, unknown>,
  b: SnapshotRecord<unknown, unknown>,
  by?: string,
): number {
  const [x, y] = [a.origin, b.origin];
  return (
    (by === undefined ? 0 : compareNumbers(timeOrOldest(a, by), timeOrOldest(b, by))) ||
    compareNumbers(x.capturedAt, y.capturedAt) ||
    compareNumbers(x.sequence, y.sequence) ||
    (x.device < y.device ? -1 : x.device > y.device ? 1 : 0) ||
    compareKeyBytes(recordVersion(a, by), recordVersion(b, by))
  );
}

/**
 * The version as bytes, for a store that compares them itself: they order as `compareVersions` does.
 * @param hash SHA-256; default the one of this package, Node's is faster.
 */
export function recordVersion(
  record: SnapshotRecord<unknown, unknown>,
  by?: string,
  hash: (bytes: Uint8Array) => Uint8Array = sha256,
): Uint8Array {
  const { capturedAt, sequence, device } = record.origin;
  const content = record.valueBytes === undefined ? new Uint8Array(0) : hash(record.valueBytes).slice(0, 8);
  return encodeKey([
    ...(by === undefined ? [] : [timeOrOldest(record, by)]),
    capturedAt,
    sequence,
    device,
    record.deleted ? 1 : 0,
    content,
  ]);
}

function timeOrOldest(record: SnapshotRecord<unknown, unknown>, by: string): number {
  return recordTime(record, by) ?? -Infinity;
}

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
