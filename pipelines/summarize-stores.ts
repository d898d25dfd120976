import {
  flatten,
  groupBy,
  type KV,
  P,
  parDo,
  type PCollection,
  type RecordGroup,
  registerFunctions,
  withName,
} from "../beam/index.js";
import { countRecords, type StoreCount } from "../transforms/index.js";
import { decodeSchema, type SnapshotRecord } from "../snapshot/index.js";
import { type CollisionCount, countCollisions } from "./count-collisions.js";

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
interface StorePart {
  readonly store: string;
  readonly devices?: readonly string[];
  readonly read?: number;
  readonly merged?: number;
  readonly deleted?: number;
  readonly collisions?: number;
  /** The store has a key generator. */
  readonly generator?: true;
}

/**
 * Counts before and after a merge that keeps tombstones, by object store.
 * @param read What was read, the versions of a record together.
 * @param schemas Schemas of the databases that were read, as `encodeSchema` writes them.
 */
export function summarizeStores(
  read: PCollection<RecordGroup>,
  merged: PCollection<SnapshotRecord>,
  schemas: readonly PCollection<Uint8Array>[],
): PCollection<StoreSummaryLine> {
  const before = read
    .apply(withName("all versions", parDo(new AllVersions())))
    .apply(withName("count read", countRecords()))
    .apply(withName("read", parDo(new ReadPart())));
  const after = merged
    .apply(withName("count merged", countRecords()))
    .apply(withName("merged", parDo(new MergedPart())));
  const collided = countCollisions(read).apply(withName("collided", parDo(new CollisionPart())));
  const generators = P([...schemas])
    .apply(withName("allSchemas", flatten<Uint8Array>()))
    .apply(withName("generators", parDo(new GeneratorPart())));
  return P([before, after, collided, generators])
    .apply(withName("allParts", flatten<StorePart>()))
    .apply(withName("partsByStore", groupBy<StorePart, string>("store")))
    .apply(withName("summary", parDo(new SummarizeStore())));
}

export class AllVersions {
  *process({ records }: RecordGroup): Generator<SnapshotRecord> {
    yield* records;
  }
}

export class ReadPart {
  *process({ store, devices, records }: StoreCount): Generator<StorePart> {
    yield { store, devices, read: records };
  }
}

export class MergedPart {
  *process({ store, records, deleted }: StoreCount): Generator<StorePart> {
    yield { store, merged: records, deleted };
  }
}

export class CollisionPart {
  *process({ store, collisions }: CollisionCount): Generator<StorePart> {
    yield { store, collisions };
  }
}

export class GeneratorPart {
  *process(schema: Uint8Array): Generator<StorePart> {
    for (const { name, autoIncrement } of decodeSchema(schema).objectStores)
      if (autoIncrement) yield { store: name, generator: true };
  }
}

export class SummarizeStore {
  *process({ key: store, value }: KV<string, Iterable<StorePart>>): Generator<StoreSummaryLine> {
    const total = { read: 0, merged: 0, deleted: 0, collisions: 0 };
    const devices = new Set<string>();
    let counted = false;
    let generator = false;
    for (const part of value) {
      for (const device of part.devices ?? []) devices.add(device);
      for (const name of counts) total[name] += part[name] ?? 0;
      if (part.generator) generator = true;
      else counted = true;
    }
    // Stores that were not read have no line.
    if (!counted) return;
    const { read, merged, deleted, collisions } = total;
    const superseded = read - merged;
    const generatedKeyCollisions = generator ? collisions : 0;
    yield { store, devices: [...devices].sort(), read, merged, superseded, deleted, generatedKeyCollisions };
  }
}

const counts = ["read", "merged", "deleted", "collisions"] as const;

registerFunctions("beam-indexeddb/pipelines", {
  AllVersions,
  ReadPart,
  MergedPart,
  CollisionPart,
  GeneratorPart,
  SummarizeStore,
});
