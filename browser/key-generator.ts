import { abortQuietly, completed, errorName, requested } from "./request.js";

/**
 * The position that stands for a generator near its end. The last number it can give is 2^53; 2^53 + 1 is no double, so "gives 2^53 next" and
 * "has given 2^53" are one position, and restoring it means the latter: a number given twice would be worse than one never given.
 */
export const lastKeyNumber = 2 ** 53;

/**
 * The next number of an object store's key generator, which nothing in IndexedDB tells: a record is added and the transaction aborted, which
 * takes the number back (specified, and measured in Chromium and Firefox). Nothing is written; writers of this store are waited for.
 */
export async function readKeyGenerator(db: IDBDatabase, storeName: string): Promise<number> {
  const transaction = db.transaction(storeName, "readwrite");
  const ended = completed(transaction);
  try {
    return (await requested(transaction.objectStore(storeName).add({}))) as number;
  } catch (error) {
    if (errorName(error) === "ConstraintError") return lastKeyNumber;
    throw error;
  } finally {
    abortQuietly(transaction);
    await ended.catch(() => undefined);
  }
}

/**
 * Moves the generator so that its next number is at least `next`, and never back: an explicit number is added and deleted in one
 * transaction, which leaves no trace but the generator's position.
 */
export async function restoreKeyGenerator(db: IDBDatabase, storeName: string, next: number): Promise<void> {
  if (!(next > 1)) return;
  const transaction = db.transaction(storeName, "readwrite");
  const ended = completed(transaction);
  const store = transaction.objectStore(storeName);
  const last = next >= lastKeyNumber ? lastKeyNumber : next - 1;
  // A record with this number has moved the generator already.
  if ((await requested(store.getKey(last))) === undefined) {
    const { keyPath } = store;
    if (typeof keyPath === "string") store.add(nested(keyPath.split("."), last));
    else store.add({}, last);
    store.delete(last);
  }
  await ended;
}

function nested([name, ...rest]: string[], value: number): unknown {
  return name === undefined ? value : { [name]: nested(rest, value) };
}
