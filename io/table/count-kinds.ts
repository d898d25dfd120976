import { inGlobalWindow, groupGlobally, parDo, registerFunctions, withName } from "../../beam/index.js";
import type { PCollection, PTransform, WindowedValue } from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import {
  type CountOptions,
  type DatasetStatistics,
  mergeStatistics,
  observeRecord,
} from "./store-statistics.js";

/** Counts the kinds of values in a bundle; one element comes out of each. */
export class CountKinds {
  readonly options: CountOptions;
  private statistics: DatasetStatistics | undefined;

  constructor(options: CountOptions) {
    this.options = options;
  }

  startBundle(): void {
    this.statistics = new Map();
  }

  *process(record: SnapshotRecord): Generator<DatasetStatistics> {
    observeRecord(this.statistics!, record, this.options);
  }

  *finishBundle(): Generator<WindowedValue<DatasetStatistics>> {
    if (this.statistics!.size > 0) yield inGlobalWindow(this.statistics!);
    this.statistics = undefined;
  }
}

function mergeAll(parts: Iterable<DatasetStatistics>): DatasetStatistics {
  const merged: DatasetStatistics = new Map();
  for (const part of parts) mergeStatistics(merged, part);
  return merged;
}

/** The statistics of all records as one element; no element when there are no records. */
export function countKinds(
  options: CountOptions = {},
): PTransform<PCollection<SnapshotRecord>, PCollection<DatasetStatistics>> {
  return withName("countKinds", (records: PCollection<SnapshotRecord>) =>
    gatherStatistics(
      records.apply(withName("count", parDo<SnapshotRecord, DatasetStatistics>(new CountKinds(options)))),
    ),
  );
}

/** The statistics of all parts as one element; no element when there are no parts. */
export function gatherStatistics(parts: PCollection<DatasetStatistics>): PCollection<DatasetStatistics> {
  // The SDK declares what this gives as `any`.
  const gather: PTransform<
    PCollection<DatasetStatistics>,
    PCollection<Iterable<DatasetStatistics>>
  > = groupGlobally<DatasetStatistics>();
  return parts.apply(withName("gather", gather)).map(mergeAll);
}

registerFunctions("beam-indexeddb/io", { CountKinds, mergeAll });
