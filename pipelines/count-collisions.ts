import {
  inGlobalWindow,
  parDo,
  type PCollection,
  type RecordGroup,
  registerFunctions,
  type WindowedValue,
  withName,
} from "../beam/index.js";
import type { SnapshotRecord } from "../snapshot/index.js";

/** Keys of one store that several devices gave to different contents. */
export interface CollisionCount {
  readonly store: string;
  readonly collisions: number;
}

/**
 * Counts the keys under which several devices hold different contents, a bundle and store at a time. In a store with a key generator (autoIncrement) each
 * device counts for itself, so these may be different records that a merge by key takes for versions of one.
 */
export function countCollisions(groups: PCollection<RecordGroup>): PCollection<CollisionCount> {
  return groups.apply(withName("collisions", parDo(new CountCollisions())));
}

/** Counts within a bundle: there can be as many collisions as records. */
export class CountCollisions {
  private counts: Map<string, number> | undefined;

  startBundle(): void {
    this.counts = new Map();
  }

  process({ key: { store }, records }: RecordGroup): Iterable<CollisionCount> {
    const [first] = records as readonly [SnapshotRecord];
    const collide =
      records.some(({ origin }) => origin.device !== first.origin.device) &&
      records.some((record) => !sameContent(record, first));
    if (collide) this.counts!.set(store, (this.counts!.get(store) ?? 0) + 1);
    return nothing;
  }

  *finishBundle(): Generator<WindowedValue<CollisionCount>> {
    for (const [store, collisions] of this.counts!) yield inGlobalWindow({ store, collisions });
    this.counts = undefined;
  }
}

const nothing: readonly CollisionCount[] = [];

function sameContent({ valueBytes: a }: SnapshotRecord, { valueBytes: b }: SnapshotRecord): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

registerFunctions("beam-indexeddb/pipelines", { CountCollisions });
