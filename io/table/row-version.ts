import { createHash } from "node:crypto";
import { SnapshotError, type SnapshotRecord, describeKey, encodeKey } from "../../snapshot/index.js";
import { isPlainObject } from "./value-kind.js";

const isoDate = /^[+-]?\d{4,6}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * The version of a record as bytes that compare as versions do: first by the given path if there is one, then by capture time, sequence,
 * and device; what is still equal by a hash of the content. Two different records of one key never have equal versions, so that the outcome does
 * not depend on the order in which they arrive, and an equal version is always a redelivery.
 *
 * @param path Property (dots go deeper) with a number, a Date or an ISO 8601 text, compared as milliseconds. A tombstone has no value: it
 *   counts as written when it was captured.
 * @throws SnapshotError STORE_CONSTRAINT when a record has nothing of the kind at the path.
 */
export function rowVersion(record: SnapshotRecord, path: string | undefined): Uint8Array {
  const { capturedAt, sequence, device } = record.origin;
  const tail = [capturedAt, sequence, device, contentHash(record)];
  if (path === undefined) return encodeKey(tail);
  return encodeKey([record.deleted ? capturedAt : versionAt(record, path), ...tail]);
}

function contentHash(record: SnapshotRecord): ArrayBuffer {
  const digest = createHash("sha256")
    .update(record.deleted ? "deleted" : "value")
    .update(record.valueBytes ?? new Uint8Array())
    .digest();
  return digest.buffer.slice(digest.byteOffset, digest.byteOffset + 8);
}

function versionAt(record: SnapshotRecord, path: string): number {
  let value: unknown = record.value;
  for (const name of path.split("."))
    value = isPlainObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  const time =
    value instanceof Date
      ? value.getTime()
      : typeof value === "string" && isoDate.test(value)
        ? Date.parse(value)
        : typeof value === "number"
          ? value
          : NaN;
  if (!Number.isNaN(time)) return time;
  throw new SnapshotError(
    "STORE_CONSTRAINT",
    `The record has no number, Date or ISO 8601 text at "${path}", so its version is unknown. Choose another versionBy, leave it out (capture time decides), or send such records to failedRecords.`,
    { store: record.store, key: describeKey(record.key) },
  );
}
