import { answer, ended, openDatabase } from "./requests.js";

/** All records through batched getAll and getAllKeys in one transaction, dropped at once: what an export cannot be faster than. */
export async function readAll(name: string, size: number): Promise<number> {
  const db = await openDatabase(name);
  const transaction = db.transaction("a", "readonly");
  const done = ended(transaction);
  const store = transaction.objectStore("a");
  let records = 0;
  for (let range: IDBKeyRange | undefined, more = true; more;) {
    const [keys] = await Promise.all([
      answer(store.getAllKeys(range, size)),
      answer(store.getAll(range, size)),
    ]);
    records += keys.length;
    more = keys.length === size;
    if (more) range = IDBKeyRange.lowerBound(keys.at(-1)!, true);
  }
  await done;
  db.close();
  return records;
}
