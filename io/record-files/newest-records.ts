import { compareVersions, type SnapshotRecord } from "../../snapshot/index.js";
import { compareIdentity } from "../indexeddb/record-order.js";

/**
 * Of the records of each key, which come one after the other, the newest version: as a table that is written again and again would hold it.
 * @param versionBy See `compareVersions`.
 */
export async function* newestRecords(
  batches: AsyncIterable<readonly SnapshotRecord[]>,
  versionBy: string | undefined,
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
      } else if (compareVersions(record, newest, versionBy) > 0) {
        newest = record;
      }
    }
    yield chosen;
  }
  if (newest !== undefined) yield [newest];
}
