import {
  type CounterFamily,
  counterFamily,
  groupRecordsByKey,
  parDo,
  type PCollection,
  type PTransform,
  type RecordGroup,
  registerFunctions,
  withName,
} from "../beam/index.js";
import { compareVersions, recordTime, type SnapshotRecord } from "../snapshot/index.js";

/** Which version of a record is the latest, and what becomes of deletions. */
export interface MergeDevicesOptions {
  /**
   * Path of the time at which an app last changed a record, such as "updatedAt" (a number, a Date or an ISO 8601 text). Default: the time at
   * which the snapshot was captured decides, which is right only when a device captures after it has received the others' changes.
   */
  readonly by?: string | undefined;
  /** Deletions that win stay in the output as tombstones, so that they also win in the next merge ("keep", default), or are left out ("drop"). */
  readonly tombstones?: "keep" | "drop" | undefined;
}

/**
 * One record for each database, object store and key: the latest of all devices. Databases of different names are never mixed: `renameDatabase`
 * first, when they are one.
 *
 * Guarantees: the result does not depend on the order or number of the inputs, and merging it again with any of them changes nothing. The order is that
 * of `compareVersions`: equal times are settled by capture time, sequence, device and content; a record without a time at `by` is older than
 * any with one. The winner is taken whole, with its origin. Values are decoded only where several records meet and
 * `by` must be looked up. Metrics: `recordsMerged/<store>`, `recordsSuperseded/<store>`, `mergedWithoutTime/<store>`.
 *
 * @throws TypeError for wrong options while the pipeline is built
 * @example root.apply(readFromIndexedDB("devices/*.idbsnap")).apply(mergeDevices({ by: "updatedAt" }));
 */
export function mergeDevices<R = SnapshotRecord>(
  options: MergeDevicesOptions = {},
): PTransform<PCollection<R>, PCollection<R>> {
  const merge = mergeGroups<R>(options, "mergeDevices");
  return withName(`mergeDevices(${options.by ?? "capturedAt"})`, (records: PCollection<R>) =>
    records.apply(groupRecordsByKey<R>({ byDatabase: true })).apply(merge),
  );
}

/**
 * As `mergeDevices`, for records that are together by key already: of `groupRecordsByKey`, or of `readGroupsFromIndexedDB`, which needs neither a
 * shuffle nor memory for them. One record comes of each group.
 *
 * @param caller Name that errors begin with; default "mergeGroups".
 * @throws TypeError for wrong options while the pipeline is built
 * @example root.apply(readGroupsFromIndexedDB("devices/*.idbsnap", { byDatabase: true })).apply(mergeGroups({ by: "updatedAt" }));
 */
export function mergeGroups<R = SnapshotRecord>(
  options: MergeDevicesOptions = {},
  caller = "mergeGroups",
): PTransform<PCollection<RecordGroup<R>>, PCollection<R>> {
  const { by, tombstones = "keep" } = options;
  if (by !== undefined && (typeof by !== "string" || by === ""))
    throw new TypeError(`${caller}: by is the path of a time in the values, such as "updatedAt".`);
  if (!["keep", "drop"].includes(tombstones))
    throw new TypeError(`${caller}: tombstones is "keep" or "drop", not ${JSON.stringify(tombstones)}.`);
  return withName(`latest(${by ?? "capturedAt"})`, (groups: PCollection<RecordGroup<R>>) => {
    const latest = (groups as PCollection<unknown> as PCollection<RecordGroup>).apply(
      parDo(new KeepLatest(by, tombstones === "drop"), {
        merged: counterFamily("recordsMerged"),
        superseded: counterFamily("recordsSuperseded"),
        withoutTime: counterFamily("mergedWithoutTime"),
      }),
    );
    return latest as PCollection<unknown> as PCollection<R>;
  });
}

interface MergeContext {
  readonly merged: CounterFamily;
  readonly superseded: CounterFamily;
  readonly withoutTime: CounterFamily;
}

export class KeepLatest {
  readonly by: string | undefined;
  readonly dropTombstones: boolean;

  constructor(by: string | undefined, dropTombstones: boolean) {
    this.by = by;
    this.dropTombstones = dropTombstones;
  }

  *process({ key, records }: RecordGroup, context: MergeContext): Generator<SnapshotRecord> {
    const latest = this.latestOf(records, context);
    if (records.length > 1) context.superseded.increment(key.store, records.length - 1);
    if (latest.deleted && this.dropTombstones) return;
    context.merged.increment(key.store);
    yield latest;
  }

  private latestOf(records: readonly SnapshotRecord[], context: MergeContext): SnapshotRecord {
    if (records.length === 1) return records[0]!;
    const { by } = this;
    if (by !== undefined)
      for (const record of records)
        if (recordTime(record, by) === undefined) context.withoutTime.increment(record.store);
    return records.reduce((latest, record) => (compareVersions(record, latest, by) > 0 ? record : latest));
  }
}

registerFunctions("beam-indexeddb/transforms", { KeepLatest });
