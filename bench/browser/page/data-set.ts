import { answer, createDatabase, ended } from "./requests.js";

/** Records of a database of the bench: `bytes` under 1000 gives notes of about that size, anything else random binary. */
export interface DataSet {
  readonly records: number;
  readonly bytes: number;
}

/** Records of one transaction: at most 1000, at most about 4 MB. */
export function batchOf({ bytes }: DataSet): number {
  return Math.max(1, Math.min(1000, Math.floor(4_000_000 / bytes)));
}

export async function fill(name: string, data: DataSet): Promise<void> {
  const db = await createDatabase(name);
  await putAll(db, data);
  db.close();
}

/**
 * The loop that a person would write: batches of puts, relaxed, waiting for each transaction. With `readBack` each transaction also reads
 * what it has put, and drops it.
 */
export async function putAll(db: IDBDatabase, data: DataSet, readBack = false): Promise<void> {
  const size = batchOf(data);
  for (let from = 0; from < data.records; from += size) {
    const to = Math.min(data.records, from + size);
    const batch = recordsFrom(from, to, data.bytes);
    const transaction = db.transaction("a", "readwrite", { durability: "relaxed" });
    const done = ended(transaction);
    const store = transaction.objectStore("a");
    for (const record of batch) store.put(record);
    if (readBack) {
      const range = IDBKeyRange.bound(from, to, false, true);
      const [keys, values] = await Promise.all([
        answer(store.getAllKeys(range)),
        answer(store.getAll(range)),
      ]);
      if (keys.length !== batch.length || values.length !== batch.length)
        throw new Error(`${values.length} of ${batch.length} records were read back.`);
    }
    await done;
  }
}

function recordsFrom(from: number, to: number, bytes: number): unknown[] {
  return Array.from({ length: to - from }, (_, at) =>
    bytes < 1000 ? note(from + at, bytes) : binary(from + at, bytes),
  );
}

const words =
  "the plan for next week is to call back everybody who wrote about boats bread paper winter and the garden behind our old house".split(
    " ",
  );

/** Text of words in a pseudo-random order, so that compression has neither nothing nor everything to do. */
function note(id: number, bytes: number): unknown {
  let seed = (id + 1) * 2_654_435_761;
  let text = "";
  while (text.length < bytes - 110) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    text += `${words[seed % words.length]} `;
  }
  return {
    id,
    title: `Note number ${id}`,
    done: id % 3 === 0,
    updated: new Date(1_600_000_000_000 + id * 977),
    tags: id % 2 ? ["home", "boat"] : ["work"],
    text,
  };
}

function binary(id: number, bytes: number): unknown {
  const data = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536)
    crypto.getRandomValues(data.subarray(at, Math.min(bytes, at + 65_536)));
  return { id, updated: new Date(1_600_000_000_000 + id * 977), data };
}
