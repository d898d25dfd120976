import { IDBFactory, IDBKeyRange } from "fake-indexeddb";

/** A fresh, empty IndexedDB in memory, as the options of exportDB and importDB take it. */
export function memoryIndexedDB(): {
  indexedDB: globalThis.IDBFactory;
  IDBKeyRange: typeof globalThis.IDBKeyRange;
} {
  return {
    indexedDB: new IDBFactory(),
    IDBKeyRange: IDBKeyRange,
  };
}

export interface StoreFixture {
  readonly options?: IDBObjectStoreParameters;
  readonly indexes?: readonly (readonly [
    name: string,
    keyPath: string | string[],
    options?: IDBIndexParameters,
  ])[];
  /** Out-of-line stores: pairs of key and value. In-line stores: values. */
  readonly entries?: readonly (readonly [IDBValidKey, unknown])[];
  readonly values?: readonly unknown[];
}

/** Makes a database and closes it. */
export async function createDatabase(
  factory: IDBFactory,
  name: string,
  stores: Readonly<Record<string, StoreFixture>>,
  version = 1,
): Promise<void> {
  const db = await openDatabase(factory, name, version, (upgrading) => {
    for (const [store, { options, indexes = [] }] of Object.entries(stores)) {
      const created = upgrading.createObjectStore(store, options);
      for (const [index, keyPath, parameters] of indexes) created.createIndex(index, keyPath, parameters);
    }
  });
  for (const [store, { entries = [], values = [] }] of Object.entries(stores)) {
    const transaction = db.transaction(store, "readwrite");
    const ended = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => {
        reject(transaction.error!);
      };
    });
    for (const [key, value] of entries) transaction.objectStore(store).put(value, key);
    for (const value of values) transaction.objectStore(store).put(value);
    await ended;
  }
  db.close();
}

export function openDatabase(
  factory: IDBFactory,
  name: string,
  version?: number,
  upgrade?: (db: IDBDatabase) => void,
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, version);
    request.onupgradeneeded = () => upgrade?.(request.result);
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(request.error!);
    };
  });
}

export function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(request.error!);
    };
  });
}

/** Everything of a database: schema, and per store its keys and values in order. */
export async function readDatabase(
  factory: IDBFactory,
  name: string,
): Promise<{ version: number; stores: Record<string, [IDBValidKey, unknown][]> }> {
  const db = await openDatabase(factory, name);
  const stores: Record<string, [IDBValidKey, unknown][]> = {};
  for (const store of Array.from(db.objectStoreNames)) {
    const transaction = db.transaction(store, "readonly");
    const [keys, values] = await Promise.all([
      answer(transaction.objectStore(store).getAllKeys()),
      answer(transaction.objectStore(store).getAll() as IDBRequest<unknown[]>),
    ]);
    stores[store] = keys.map((key, at) => [key, values[at]]);
  }
  const { version } = db;
  db.close();
  return { version, stores };
}

export async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}
