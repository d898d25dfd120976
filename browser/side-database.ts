import { randomName } from "./scratch-file.js";
import { completed, requested } from "./request.js";

/**
 * The small database of this package's own: the random id of the device, and the imports that have begun and not ended. It is made on
 * first use; an export with `device` given does not need it.
 */
export const sideDatabaseName = "beam-indexeddb";

/** An import that was begun and has neither ended nor been taken back: the tab crashed or was closed. */
export interface UnfinishedImport {
  /** Database that was being written. */
  readonly database: string;
  /** Id of the snapshot. */
  readonly snapshot: string;
  /** Whether that import made the database. */
  readonly created: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Runs `work` on one of the two stores, in a transaction of its own. */
export async function withStore<T>(
  factory: IDBFactory,
  storeName: "device" | "imports",
  work: (store: IDBObjectStore) => Promise<T>,
): Promise<T> {
  const request = factory.open(sideDatabaseName, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("device");
    request.result.createObjectStore("imports", { keyPath: "database" });
  };
  const db = await requested(request);
  try {
    const transaction = db.transaction(storeName, "readwrite", { durability: "strict" });
    const ended = completed(transaction);
    const result = await work(transaction.objectStore(storeName));
    await ended;
    return result;
  } finally {
    db.close();
  }
}

/** A random id that stays the same for this origin in this browser profile, until site data is cleared. */
export function deviceId(factory: IDBFactory): Promise<string> {
  return withStore(factory, "device", async (store) => {
    const known: unknown = await requested(store.get("id"));
    if (typeof known === "string") return known;
    const id = randomName();
    store.put(id, "id");
    return id;
  });
}

export function unfinishedImport(
  factory: IDBFactory,
  database: string,
): Promise<UnfinishedImport | undefined> {
  return withStore(
    factory,
    "imports",
    (store) => requested(store.get(database)) as Promise<UnfinishedImport | undefined>,
  );
}

export async function markImport(factory: IDBFactory, mark: UnfinishedImport): Promise<void> {
  await withStore(factory, "imports", (store) => requested(store.put(mark)));
}

export async function unmarkImport(factory: IDBFactory, database: string): Promise<void> {
  await withStore(factory, "imports", (store) => requested(store.delete(database)));
}
