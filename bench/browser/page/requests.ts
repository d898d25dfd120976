/** Small promises over IndexedDB. */
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

/** The store that every bench database has: in-line keys and one index. */
export async function createDatabase(name: string): Promise<IDBDatabase> {
  await answer(indexedDB.deleteDatabase(name));
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("a", { keyPath: "id" }).createIndex("by updated", "updated");
  };
  return answer(request);
}

export function openDatabase(name: string): Promise<IDBDatabase> {
  return answer(indexedDB.open(name));
}
