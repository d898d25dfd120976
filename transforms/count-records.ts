import {
  groupBy,
  inGlobalWindow,
  type KV,
  parDo,
  type PCollection,
  type PTransform,
  registerFunctions,
  type WindowedValue,
  withName,
} from "../beam/index.js";
import type { SnapshotRecord } from "../snapshot/index.js";

/** What there is of one object store. */
export interface StoreCount {
  readonly store: string;
  /** Tombstones among them. */
  readonly records: number;
  readonly deleted: number;
  /** Encoded bytes of keys and values. */
  readonly bytes: number;
  /** The devices that the records come from, sorted. */
  readonly devices: readonly string[];
}

/**
 * Counts records by object store. Nothing is decoded.
 * @example records.apply(countRecords()).apply(writeToJson("out/counts.json"));
 */
export function countRecords(): PTransform<PCollection<SnapshotRecord>, PCollection<StoreCount>> {
  return withName("countRecords", (records: PCollection<SnapshotRecord>) =>
    records
      .apply(withName("count", parDo(new CountBundle())))
      .apply(withName("byStore", groupBy<StoreCount, string>("store")))
      .apply(withName("sum", parDo(new SumCounts()))),
  );
}

/** Counts within a bundle, so that only a few counts are shuffled. */
export class CountBundle {
  private counts:
    Map<string, { records: number; deleted: number; bytes: number; devices: Set<string> }> | undefined;

  startBundle(): void {
    this.counts = new Map();
  }

  process(record: SnapshotRecord): Iterable<StoreCount> {
    let count = this.counts!.get(record.store);
    if (!count)
      this.counts!.set(record.store, (count = { records: 0, deleted: 0, bytes: 0, devices: new Set() }));
    count.records++;
    if (record.deleted) count.deleted++;
    count.bytes += record.keyBytes.length + (record.valueBytes?.length ?? 0);
    count.devices.add(record.origin.device);
    return nothing;
  }

  *finishBundle(): Generator<WindowedValue<StoreCount>> {
    for (const [store, count] of this.counts!)
      yield inGlobalWindow({ ...count, store, devices: [...count.devices].sort() });
    this.counts = undefined;
  }
}

const nothing: readonly StoreCount[] = [];

export class SumCounts {
  *process({ key: store, value }: KV<string, Iterable<StoreCount>>): Generator<StoreCount> {
    const all = [...value];
    const sum = (pick: (count: StoreCount) => number) => all.reduce((total, count) => total + pick(count), 0);
    yield {
      store,
      records: sum(({ records }) => records),
      deleted: sum(({ deleted }) => deleted),
      bytes: sum(({ bytes }) => bytes),
      devices: [...new Set(all.flatMap(({ devices }) => devices))].sort(),
    };
  }
}

registerFunctions("beam-indexeddb/transforms", { CountBundle, SumCounts });
