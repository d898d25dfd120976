import type { IndexSchema, ObjectStoreSchema } from "../snapshot/index.js";

/**
 * Opens a database at the version it has. Resolves to undefined, and leaves nothing behind, when there is none of that name: opening
 * by name alone would create it. While another tab's upgrade or deletion of it is held up this waits as well, so `signal` ends the wait.
 */
export function openExisting(
  factory: IDBFactory,
  name: string,
  signal: AbortSignal,
): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name);
    let missing = false;
    const abort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort, { once: true });
    request.onupgradeneeded = () => {
      missing = true;
      request.transaction?.abort();
    };
    request.onsuccess = () => {
      signal.removeEventListener("abort", abort);
      // Nobody waits for it any more: left open it would hold up the next upgrade.
      if (signal.aborted) request.result.close();
      else resolve(request.result);
    };
    request.onerror = (event) => {
      event.preventDefault();
      signal.removeEventListener("abort", abort);
      if (missing) resolve(undefined);
      else reject(request.error ?? new Error(`The database "${name}" could not be opened.`));
    };
  });
}

/** Deletes a database; when other connections are open it resolves at once and the browser deletes as soon as they close. */
export function deleteDatabase(factory: IDBFactory, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = factory.deleteDatabase(name);
    request.onblocked = request.onsuccess = () => {
      resolve();
    };
    request.onerror = () => {
      reject(request.error ?? new Error(`The database "${name}" could not be deleted.`));
    };
  });
}

/** The definition of an object store as the database has it, without the key generator's position (nothing tells that). */
export function schemaOfStore(store: IDBObjectStore): ObjectStoreSchema {
  return {
    name: store.name,
    keyPath: copyOfKeyPath(store.keyPath),
    autoIncrement: store.autoIncrement,
    indexes: Array.from(store.indexNames, (name): IndexSchema => {
      const index = store.index(name);
      return {
        name,
        keyPath: copyOfKeyPath<string>(index.keyPath),
        unique: index.unique,
        multiEntry: index.multiEntry,
      };
    }),
  };
}

/** The platform gives a list that some engines freeze or share, and wants one that could be changed; a plain array fits everywhere. */
export function copyOfKeyPath<T extends string | null>(keyPath: T | readonly string[]): T | string[] {
  return typeof keyPath === "object" && keyPath !== null ? Array.from(keyPath) : keyPath;
}
