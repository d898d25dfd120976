import { exportDB, importDB } from "../../../browser/index.js";
import { answer, create, ended, open, put } from "./database.js";
import { valueMatrix } from "./values.js";

/** Databases of a size, and what exporting and importing them does to the page. */

export async function fill(name: string, records: number, bytes: number): Promise<void> {
  const db = await create(name, (upgrading) => upgrading.createObjectStore("a", { keyPath: "id" }));
  const perBatch = Math.max(1, Math.min(2000, Math.floor(4_000_000 / bytes)));
  for (let from = 0; from < records; from += perBatch) {
    const transaction = db.transaction("a", "readwrite", { durability: "relaxed" });
    const done = ended(transaction);
    for (let id = from; id < Math.min(records, from + perBatch); id++)
      transaction.objectStore("a").put(record(id, bytes));
    await done;
  }
  db.close();
}

function record(id: number, bytes: number): unknown {
  if (bytes < 1000)
    return {
      id,
      title: `Note number ${id}`,
      done: id % 3 === 0,
      at: new Date(id * 1000),
      tags: ["a", "b"],
      text: "x".repeat(bytes - 120),
    };
  const data = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536)
    crypto.getRandomValues(data.subarray(at, Math.min(bytes, at + 65_536)));
  return { id, data };
}

/** What a page feels: the longest time in which a timer of 5 ms did not fire. */
function watchStalls(): () => number {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  return () => {
    clearInterval(timer);
    return Math.round(Math.max(longest, performance.now() - last));
  };
}

export interface Load {
  readonly ms: number;
  readonly stall: number;
  readonly bytes: number;
  /** From the first to the last batch inside the transaction. */
  readonly transactionMs: number;
}

/** Exports and drops the bytes as they come. */
export async function exportAndDrop(name: string, options: Parameters<typeof exportDB>[1]): Promise<Load> {
  const stalls = watchStalls();
  const start = performance.now();
  let [firstRead, lastRead] = [0, 0];
  const reader = exportDB(name, {
    ...options,
    onProgress({ phase }) {
      if (phase !== "read") return;
      firstRead ||= performance.now();
      lastRead = performance.now();
    },
  }).getReader();
  let bytes = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) bytes += read.value.length;
  return {
    ms: Math.round(performance.now() - start),
    stall: stalls(),
    bytes,
    transactionMs: Math.round(lastRead - firstRead),
  };
}

/** The same records through batched getAll calls alone: what the transaction would cost without encoding. */
export async function readRaw(name: string, size: number): Promise<number> {
  const db = await open(name);
  const start = performance.now();
  const store = db.transaction("a").objectStore("a");
  let range: IDBKeyRange | undefined;
  for (;;) {
    const [keys] = await Promise.all([
      answer(store.getAllKeys(range, size)),
      answer(store.getAll(range, size)),
    ]);
    if (keys.length < size) break;
    range = IDBKeyRange.lowerBound(keys.at(-1)!, true);
  }
  db.close();
  return Math.round(performance.now() - start);
}

/** The same records put in a loop, as a person would write it. */
export async function writeRaw(from: string, into: string): Promise<number> {
  const source = await open(from);
  const values = (await answer(source.transaction("a").objectStore("a").getAll())) as unknown[];
  source.close();
  const db = await create(into, (upgrading) => upgrading.createObjectStore("a", { keyPath: "id" }));
  const start = performance.now();
  for (let at = 0; at < values.length; at += 5000) {
    const transaction = db.transaction("a", "readwrite", { durability: "relaxed" });
    const done = ended(transaction);
    for (const value of values.slice(at, at + 5000)) transaction.objectStore("a").put(value);
    await done;
  }
  const ms = Math.round(performance.now() - start);
  db.close();
  return ms;
}

export async function importFrom(url: string, options: Parameters<typeof importDB>[1]): Promise<unknown> {
  const stalls = watchStalls();
  const start = performance.now();
  const response = await fetch(url);
  const result = await importDB(response.body!, options);
  return { ...result, ms: Math.round(performance.now() - start), stall: stalls() };
}

/** An export as a file of the site. */
export async function upload(
  name: string,
  url: string,
  options: Parameters<typeof exportDB>[1],
): Promise<void> {
  const body = await new Response(exportDB(name, options) as ReadableStream<Uint8Array<ArrayBuffer>>).blob();
  await fetch(url, { method: "PUT", body });
}

/** Values that both browsers store alike: no error stacks, and no types that only one of them has. */
export async function fillPortable(name: string): Promise<void> {
  const values = await valueMatrix();
  delete values.errors;
  delete values.QuotaExceededError;
  const db = await create(name, (upgrading) => {
    upgrading.createObjectStore("all");
    upgrading
      .createObjectStore("in", { keyPath: "id", autoIncrement: true })
      .createIndex("by value", "value");
  });
  for (const [key, value] of Object.entries(values)) await put(db, "all", [[key, value]]);
  await put(db, "in", [
    [undefined, { value: 1 }],
    [undefined, { value: "two" }],
  ]);
  db.close();
}
