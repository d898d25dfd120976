import type { KeyRange } from "../snapshot/index.js";

/** Where databases live. Only storage buckets and Node need anything else than the globals. */
export interface EnvironmentOptions {
  /** The factory that holds the database: a storage bucket's `indexedDB`, or fake-indexeddb's. Default: the global one. */
  readonly indexedDB?: IDBFactory | undefined;
  /** The `IDBKeyRange` that belongs to the factory. Default: the global one. */
  readonly IDBKeyRange?: typeof IDBKeyRange | undefined;
}

export interface Environment {
  readonly factory: IDBFactory;
  readonly keyRange: typeof IDBKeyRange;
  /** True for the global factory: the only one a worker can reach by the name of a database. */
  readonly isDefault: boolean;
}

/** @throws TypeError where there is no IndexedDB and none was given. */
export function environmentOf(options: EnvironmentOptions): Environment {
  const global = globalThis as { indexedDB?: IDBFactory; IDBKeyRange?: typeof IDBKeyRange };
  const factory = options.indexedDB ?? global.indexedDB;
  const keyRange = options.IDBKeyRange ?? global.IDBKeyRange;
  if (!factory || !keyRange) {
    throw new TypeError(
      "There is no IndexedDB here. Pass the options indexedDB and IDBKeyRange, as of fake-indexeddb.",
    );
  }
  return { factory, keyRange, isDefault: factory === global.indexedDB };
}

/** Ranges that a message can carry, which an IDBKeyRange is not. */
export function plainKeyRanges(
  ranges: Readonly<Record<string, KeyRange | undefined>> | undefined,
): Record<string, KeyRange> {
  return Object.fromEntries(
    Object.entries(ranges ?? {}).flatMap(([store, range]) => {
      if (!range) return [];
      const { lower, upper, lowerOpen, upperOpen } = range;
      return [[store, { lower, upper, lowerOpen, upperOpen }]];
    }),
  );
}
