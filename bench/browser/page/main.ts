import { exportDB, importDB } from "beam-indexeddb/browser";
import { Dexie } from "dexie";
import { exportDB as dexieExport, importDB as dexieImport } from "dexie-export-import";
import { type DataSet, fill } from "./data-set.js";
import type { RawJob } from "./raw-worker.js";
import { answer, openDatabase } from "./requests.js";
import { watchStalls } from "./stall-watch.js";
import { startTransactionClock } from "./transaction-clock.js";

/** What one contender did in one run. */
export interface Run {
  readonly ms: number;
  readonly transactionMs: number;
  /** Longest gap of a 5 ms timer in the page. */
  readonly stallMs: number;
  /** Of the file; 0 where there is none. */
  readonly bytes: number;
}

type Work = () => Promise<{ readonly transactionMs: number; readonly bytes: number }>;

async function timed(work: Work): Promise<Run> {
  const stall = watchStalls();
  const start = performance.now();
  const { transactionMs, bytes } = await work();
  return { ms: Math.round(performance.now() - start), transactionMs, stallMs: stall(), bytes };
}

async function raw(kind: RawJob["kind"], name: string, data: DataSet): Promise<Run> {
  return timed(async () => {
    const worker = new Worker("/raw-worker.js", { type: "module" });
    const reply = await new Promise<{ transactionMs: number; error?: string }>((resolve, reject) => {
      worker.onmessage = ({ data: result }) => resolve(result);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage({ kind, name, data } satisfies RawJob);
    });
    worker.terminate();
    if (reply.error !== undefined) throw new Error(reply.error);
    return { transactionMs: reply.transactionMs, bytes: 0 };
  });
}

/** The last that the worker's clock said about the database. */
async function withWorkerClock(work: (worker: string) => Promise<number>, name: string): ReturnType<Work> {
  const channel = new BroadcastChannel("transaction clock");
  let transactionMs = 0;
  channel.onmessage = ({ data }) => {
    transactionMs = data as number;
  };
  const bytes = await work(`/own-worker.js?database=${encodeURIComponent(name)}`);
  channel.close();
  return { transactionMs, bytes };
}

function exportOwn(name: string, options: Parameters<typeof exportDB>[1]): Promise<Run> {
  return timed(() =>
    withWorkerClock(async (worker) => {
      const reader = exportDB(name, { worker, ...options }).getReader();
      let bytes = 0;
      for (let read = await reader.read(); !read.done; read = await reader.read()) bytes += read.value.length;
      return bytes;
    }, name),
  );
}

async function importOwn(file: string, into: string, options: Parameters<typeof importDB>[1]): Promise<Run> {
  await answer(indexedDB.deleteDatabase(into));
  const source = await savedFile(file);
  return timed(() =>
    withWorkerClock(async (worker) => {
      await importDB(source, { worker, into, ...options });
      return source.size;
    }, into),
  );
}

function exportDexie(name: string): Promise<Run> {
  return timed(async () => {
    const clock = startTransactionClock(name);
    const db = await new Dexie(name).open();
    const { size } = await dexieExport(db);
    db.close();
    return { transactionMs: clock.read(), bytes: size };
  });
}

async function importDexie(file: string, into: string): Promise<Run> {
  await answer(indexedDB.deleteDatabase(into));
  const source = await savedFile(file);
  return timed(async () => {
    const clock = startTransactionClock(into);
    const db = await dexieImport(source, { name: into });
    db.close();
    return { transactionMs: clock.read(), bytes: source.size };
  });
}

/** Exports into a private file of the site, from where imports take them. */
async function save(kind: "own" | "dexie", name: string, file: string): Promise<number> {
  const root = await navigator.storage.getDirectory();
  const writable = await (await root.getFileHandle(file, { create: true })).createWritable();
  if (kind === "own") {
    await exportDB(name, { worker: `/own-worker.js?database=${encodeURIComponent(name)}` }).pipeTo(writable);
  } else {
    const db = await new Dexie(name).open();
    await writable.write(await dexieExport(db));
    await writable.close();
    db.close();
  }
  return (await savedFile(file)).size;
}

async function savedFile(name: string): Promise<File> {
  return (await (await navigator.storage.getDirectory()).getFileHandle(name)).getFile();
}

async function count(name: string): Promise<number> {
  const db = await openDatabase(name);
  const records = await answer(db.transaction("a").objectStore("a").count());
  db.close();
  return records;
}

async function remove(name: string): Promise<void> {
  await answer(indexedDB.deleteDatabase(name));
}

/** Calls of the bench, by name: what is measured runs after the call that starts it has returned. */
Object.assign(globalThis, {
  bench: { fill, raw, exportOwn, importOwn, exportDexie, importDexie, save, count, remove },
});
