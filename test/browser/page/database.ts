/** Small promises over IndexedDB for the test pages. */
export function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });
}

export function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
  });
}

/** A new database: one of that name is deleted first. */
export async function create(
  name: string,
  upgrade: (db: IDBDatabase) => void,
  version = 1,
): Promise<IDBDatabase> {
  await remove(name);
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => upgrade(request.result);
  return answer(request);
}

export function open(name: string): Promise<IDBDatabase> {
  return answer(indexedDB.open(name));
}

export function remove(name: string): Promise<unknown> {
  return answer(indexedDB.deleteDatabase(name));
}

export async function exists(name: string): Promise<boolean> {
  return (await indexedDB.databases()).some((database) => database.name === name);
}

export async function put(
  db: IDBDatabase,
  store: string,
  entries: Iterable<readonly [IDBValidKey | undefined, unknown]>,
): Promise<void> {
  const transaction = db.transaction(store, "readwrite");
  const done = ended(transaction);
  for (const [key, value] of entries) transaction.objectStore(store).put(value, key);
  await done;
}

export function equal(actual: unknown, expected: unknown, what = "value"): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`);
}

/** The code of the error that a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return typeof code === "string" ? code : String(error);
  }
  return "no error";
}
