import type { Key, KeyRange } from "../snapshot/index.js";
import { unknownStore } from "../snapshot/unknown-store.js";

/** A key and its value, always seen and changed together: for in-line keys the key is also a part of the value. */
export interface StoreRecord {
  readonly store: string;
  readonly key: Key;
  readonly value: unknown;
}

/** What a `transform` gives back. Without `key` the record keeps its key, or takes the one that the new value holds at the key path. */
export interface TransformedRecord {
  readonly key?: unknown;
  readonly value: unknown;
}

/** Which records of a database, and in what form. */
export interface RecordSelection<Store extends string = string> {
  /** Object stores to take. Default: all. @throws SNAPSHOT_STORE_UNKNOWN for a name that is not there. */
  readonly stores?: readonly Store[] | undefined;
  /** Keys to take, per object store; stores that are not named are taken whole. An IDBKeyRange fits. */
  readonly keyRanges?: Readonly<Partial<Record<Store, KeyRange>>> | undefined;
}

/**
 * The chosen object stores in the order of the database, whatever the order of the option.
 * @throws SnapshotError SNAPSHOT_STORE_UNKNOWN
 */
export function chosenStores(
  database: string,
  all: readonly string[],
  { stores, keyRanges }: RecordSelection,
): readonly string[] {
  for (const name of [...(stores ?? []), ...Object.keys(keyRanges ?? {})]) {
    if (all.includes(name)) continue;
    throw unknownStore(`The database "${database}"`, name, all);
  }
  return stores ? all.filter((name) => stores.includes(name)) : all;
}

/** The keys to take of one store; undefined for all. */
export function keyRangeOf({ keyRanges }: RecordSelection, store: string): KeyRange | undefined {
  const ranges: Readonly<Record<string, KeyRange | undefined>> = keyRanges ?? {};
  return Object.hasOwn(ranges, store) ? ranges[store] : undefined;
}
