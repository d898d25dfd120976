import type { DatabaseSchema, IndexSchema, ObjectStoreSchema } from "../snapshot/index.js";
import { SnapshotError } from "../snapshot/error.js";
import { copyOfKeyPath, openExisting, schemaOfStore } from "./database.js";
import { requested } from "./request.js";

export interface ImportTarget {
  readonly db: IDBDatabase;
  /** The import made it, so a failed import may delete it. */
  readonly created: boolean;
}

export interface TargetRequest {
  readonly name: string;
  readonly schema: DatabaseSchema;
  /** Object stores that records go into. */
  readonly stores: readonly string[];
  readonly version: number | "keep" | undefined;
}

/**
 * The database as it is, checked against what shall be imported; undefined when there is none. Writes nothing: problems are found before
 * the first change.
 *
 * @throws SnapshotError IMPORT_VERSION_LOWER, IMPORT_SCHEMA_MISMATCH.
 */
export async function inspectTarget(
  factory: IDBFactory,
  request: TargetRequest,
  signal: AbortSignal,
): Promise<IDBDatabase | undefined> {
  const db = await openExisting(factory, request.name, signal);
  if (!db) return undefined;
  try {
    checkTarget(db, request);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function checkTarget(db: IDBDatabase, { name, schema, stores, version }: TargetRequest): void {
  const wanted = version === "keep" ? db.version : (version ?? schema.version);
  if (db.version > wanted) {
    throw new SnapshotError(
      "IMPORT_VERSION_LOWER",
      `The database "${name}" has version ${db.version} and cannot go back to ${wanted}. Pass version: "keep" to import into it as it is, or another name as into.`,
    );
  }
  const existing = Array.from(db.objectStoreNames);
  const shared = stores.filter((store) => existing.includes(store));
  const missing = stores.filter((store) => !existing.includes(store));
  if (missing.length > 0 && db.version === wanted) {
    throw mismatch(
      missing[0]!,
      `The database "${name}" of version ${db.version} has no object store "${missing[0]!}". Pass a higher version to have it created, or leave it out with the option stores.`,
    );
  }
  if (shared.length === 0) return;
  const transaction = db.transaction(shared, "readonly");
  for (const store of shared) {
    const has = schemaOfStore(transaction.objectStore(store));
    const comes = schema.objectStores.find((known) => known.name === store)!;
    if (!sameKeyPath(has.keyPath, comes.keyPath) || has.autoIncrement !== comes.autoIncrement) {
      throw mismatch(
        store,
        `The object store "${store}" of the database "${name}" has ${describeStore(has)}, the one in the snapshot ${describeStore(comes)}. Import it into another database (option into).`,
      );
    }
  }
}

/**
 * Opens the database for writing; creates or upgrades it where the version asks for it. `existing` is what `inspectTarget` gave, and is
 * closed when the database has to be upgraded.
 *
 * @throws SnapshotError IMPORT_BLOCKED while other connections keep the old version open.
 */
export async function openTarget(
  factory: IDBFactory,
  request: TargetRequest,
  existing: IDBDatabase | undefined,
): Promise<ImportTarget> {
  const wanted =
    request.version === "keep"
      ? (existing?.version ?? request.schema.version)
      : (request.version ?? request.schema.version);
  if (existing?.version === wanted) return { db: existing, created: false };
  existing?.close();
  return { db: await openForUpgrade(factory, request, wanted), created: existing === undefined };
}

function openForUpgrade(
  factory: IDBFactory,
  { name, schema }: TargetRequest,
  version: number,
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, version);
    let failure: Error | undefined;
    request.onblocked = () => {
      // The request cannot be taken back; when the others have closed it must not change the version any more.
      failure = new SnapshotError(
        "IMPORT_BLOCKED",
        `The database "${name}" cannot be upgraded to version ${version} while others hold it open. Close other tabs, or their connections on versionchange, and import again.`,
      );
      reject(failure);
    };
    request.onupgradeneeded = () => {
      const transaction = request.transaction!;
      if (!failure) {
        try {
          for (const store of schema.objectStores) upgradeStore(request.result, transaction, store);
          return;
        } catch (error) {
          failure = new SnapshotError(
            "IMPORT_SCHEMA_MISMATCH",
            `The database "${name}" cannot be given the object stores and indexes of the snapshot: ${String(error)}. Nothing was changed.`,
            { cause: error },
          );
        }
      }
      transaction.abort();
    };
    request.onsuccess = () => {
      if (failure) request.result.close();
      else resolve(request.result);
    };
    request.onerror = (event) => {
      event.preventDefault();
      reject(failure ?? request.error ?? new Error("The database could not be opened."));
    };
  });
}

function upgradeStore(db: IDBDatabase, transaction: IDBTransaction, schema: ObjectStoreSchema): void {
  const store = db.objectStoreNames.contains(schema.name)
    ? transaction.objectStore(schema.name)
    : db.createObjectStore(schema.name, {
        keyPath: copyOfKeyPath(schema.keyPath),
        autoIncrement: schema.autoIncrement,
      });
  const has = schemaOfStore(store);
  for (const index of schema.indexes) {
    const known = has.indexes.find(({ name }) => name === index.name);
    if (known && sameIndex(known, index)) continue;
    // An index holds nothing of its own: the version asked for defines it.
    if (known) store.deleteIndex(index.name);
    store.createIndex(index.name, copyOfKeyPath(index.keyPath), {
      unique: index.unique,
      multiEntry: index.multiEntry,
    });
  }
}

/** Number of records in each object store; 0 for one that is not there. */
export async function countRecords(
  db: IDBDatabase | undefined,
  stores: readonly string[],
): Promise<Map<string, number>> {
  const counts = new Map(stores.map((store) => [store, 0]));
  const present = db ? stores.filter((store) => db.objectStoreNames.contains(store)) : [];
  if (!db || present.length === 0) return counts;
  const transaction = db.transaction(present, "readonly");
  await Promise.all(
    present.map(async (store) => {
      counts.set(store, await requested(transaction.objectStore(store).count()));
    }),
  );
  return counts;
}

function sameIndex(a: IndexSchema, b: IndexSchema): boolean {
  return sameKeyPath(a.keyPath, b.keyPath) && a.unique === b.unique && a.multiEntry === b.multiEntry;
}

/** "a" and ["a"] are two different key paths. */
function sameKeyPath(a: ObjectStoreSchema["keyPath"], b: ObjectStoreSchema["keyPath"]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function describeStore({ keyPath, autoIncrement }: ObjectStoreSchema): string {
  const keys = keyPath === null ? "out-of-line keys" : `the key path ${JSON.stringify(keyPath)}`;
  return `${keys} and ${autoIncrement ? "a" : "no"} key generator`;
}

function mismatch(store: string, message: string): SnapshotError {
  return new SnapshotError("IMPORT_SCHEMA_MISMATCH", message, { store });
}
