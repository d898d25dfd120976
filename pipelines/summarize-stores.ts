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
import { type Collision, findCollisions } from "./count-collisions.js";

/** What a merge did with one object store. */
export interface StoreSummaryLine {
  readonly store: string;
  readonly devices: readonly string[];
  /** Records of all devices, tombstones among them. */
  readonly read: number;
  /** What is left of them, tombstones among them. */
  readonly merged: number;
  /** Records that a later one of the same key replaced. */
  readonly superseded: number;
  /** Tombstones among `merged`. */
  readonly deleted: number;
  /**
   * Keys of a store with autoIncrement under which several devices hold different contents. Devices that number on their own give one key to
   * different records, of which the merge keeps one. Always 0 for other stores.
   */
  readonly generatedKeyCollisions: number;
}

/** Counts of one store: each part comes from another branch of the pipeline and the sums of all are the line. */
interface StorePart extends Omit<StoreSummaryLine, "superseded"> {
  readonly store: string;
}

const nothing = { devices: [], read: 0, merged: 0, deleted: 0, generatedKeyCollisions: 0 };

/**
 * Counts before and after a merge that keeps tombstones, by object store.
 * @param schemas Schemas of the databases that were read, as `encodeSchema` writes them.
 */
export function summarizeStores(
  read: PCollection<SnapshotRecord>,
  merged: PCollection<SnapshotRecord>,
  schemas: readonly PCollection<Uint8Array>[],
): PCollection<StoreSummaryLine> {
  const before = read
    .apply(withName("count read", countRecords()))
    .apply(withName("read", parDo(new ReadPart())));
  const after = merged
    .apply(withName("count merged", countRecords()))
    .apply(withName("merged", parDo(new MergedPart())));
  const collided = findCollisions(read, schemas).apply(withName("collided", parDo(new CollisionPart())));
  return P([before, after, collided])
    .apply(withName("allParts", flatten<StorePart>()))
    .apply(withName("partsByStore", groupBy<StorePart, string>("store")))
    .apply(withName("summary", parDo(new SummarizeStore())));
}

export class ReadPart {
  *process({ store, devices, records }: StoreCount): Generator<StorePart> {
    yield { ...nothing, store, devices, read: records };
  }
}

export class MergedPart {
  *process({ store, records, deleted }: StoreCount): Generator<StorePart> {
    yield { ...nothing, store, merged: records, deleted };
  }
}

export class CollisionPart {
  *process({ store }: Collision): Generator<StorePart> {
    yield { ...nothing, store, generatedKeyCollisions: 1 };
  }
}

export class SummarizeStore {
  *process({ key: store, value }: KV<string, Iterable<StorePart>>): Generator<StoreSummaryLine> {
    const total = { ...nothing };
    const devices = new Set<string>();
    for (const part of value) {
      for (const device of part.devices) devices.add(device);
      total.read += part.read;
      total.merged += part.merged;
      total.deleted += part.deleted;
      total.generatedKeyCollisions += part.generatedKeyCollisions;
    }
    const { read, merged, deleted, generatedKeyCollisions } = total;
    const superseded = read - merged;
    yield { store, devices: [...devices].sort(), read, merged, superseded, deleted, generatedKeyCollisions };
  }
}

registerFunctions("beam-indexeddb/pipelines", { ReadPart, MergedPart, CollisionPart, SummarizeStore });
