import {
  flatten,
  groupBy,
  type KV,
  P,
  parDo,
  type PCollection,
  registerFunctions,
  withName,
} from "../beam/index.js";
import { countRecords, type StoreCount } from "../transforms/index.js";
import type { SnapshotRecord } from "../snapshot/index.js";

/** What a merge did with one object store. */
export interface StoreSummaryLine {
  readonly store: string;
  readonly devices: readonly string[];
  /** Records of all devices, tombstones among them. */
  readonly read: number;
  /** What is left of them, tombstones among them. */
  readonly merged: number;
  /** Tombstones among `merged`. */
  readonly deleted: number;
}

interface SidedCount extends StoreCount {
  readonly side: "read" | "merged";
}

/** Counts before and after a merge, by object store. */
export function summarizeStores(
  read: PCollection<SnapshotRecord>,
  merged: PCollection<SnapshotRecord>,
): PCollection<StoreSummaryLine> {
  const counted = (records: PCollection<SnapshotRecord>, side: SidedCount["side"]): PCollection<SidedCount> =>
    records.apply(withName(`count ${side}`, countRecords())).apply(withName(side, parDo(new NameSide(side))));
  return P([counted(read, "read"), counted(merged, "merged")])
    .apply(withName("bothCounts", flatten<SidedCount>()))
    .apply(withName("countsByStore", groupBy<SidedCount, string>("store")))
    .apply(withName("summary", parDo(new SummarizeStore())));
}

export class NameSide {
  readonly side: SidedCount["side"];

  constructor(side: SidedCount["side"]) {
    this.side = side;
  }

  *process(count: StoreCount): Generator<SidedCount> {
    yield { ...count, side: this.side };
  }
}

export class SummarizeStore {
  *process({ key: store, value }: KV<string, Iterable<SidedCount>>): Generator<StoreSummaryLine> {
    const counts = [...value];
    const read = counts.find(({ side }) => side === "read");
    const merged = counts.find(({ side }) => side === "merged");
    yield {
      store,
      devices: read?.devices ?? [],
      read: read?.records ?? 0,
      merged: merged?.records ?? 0,
      deleted: merged?.deleted ?? 0,
    };
  }
}

registerFunctions("beam-indexeddb/pipelines", { NameSide, SummarizeStore });
