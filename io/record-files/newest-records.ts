import {
  compareVersions,
  isSnapshotError,
  type SnapshotError,
  type SnapshotRecord,
} from "../../snapshot/index.js";
import { compareIdentity } from "../indexeddb/record-order.js";

/**
 * Of the records of each key, which come one after the other, the newest version: as a table that is written again and again would hold it.
 * @param versionBy See `compareVersions`.
 * @param refuse Takes records whose version can't be told, since their value can't be decoded. It may throw.
 */
export async function* newestRecords(
  batches: AsyncIterable<readonly SnapshotRecord[]>,
  versionBy: string | undefined,
  refuse: (record: SnapshotRecord, error: SnapshotError) => void,
): AsyncGenerator<SnapshotRecord[], void, undefined> {
  let newest: SnapshotRecord | undefined;
  for await (const batch of batches) {
    const chosen: SnapshotRecord[] = [];
    for (const record of batch) {
      if (newest === undefined) {
        newest = record;
      } else if (compareIdentity(newest, record) !== 0) {
        chosen.push(newest);
        newest = record;
      } else {
        newest = later(newest, record, versionBy, refuse);
      }
    }
    yield chosen;
  }
  if (newest !== undefined) yield [newest];
}

function later(
  a: SnapshotRecord,
  b: SnapshotRecord,
  versionBy: string | undefined,
  refuse: (record: SnapshotRecord, error: SnapshotError) => void,
): SnapshotRecord {
  try {
    const order = compareVersions(b, a, versionBy);
    return order > 0 || (order === 0 && tieText(a) < tieText(b)) ? b : a;
  } catch (error) {
    if (!isSnapshotError(error)) throw error;
    const bad = isReadable(a, versionBy) ? b : a;
    refuse(bad, error);
    return bad === a ? b : a;
  }
}

function isReadable(record: SnapshotRecord, versionBy: string | undefined): boolean {
  try {
    compareVersions(record, record, versionBy);
    return true;
  } catch {
    return false;
  }
}

/** Versions that are equal may still come from two snapshots: which of them is taken must not depend on which came first. */
function tieText({ origin, negativeZeros }: SnapshotRecord): string {
  return JSON.stringify([origin.snapshot, negativeZeros ?? []]);
}
