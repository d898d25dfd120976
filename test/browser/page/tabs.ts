import { exportDB, unfinishedImports } from "../../../browser/index.js";
import { SnapshotReader, bytesSource } from "../../../snapshot/index.js";
import { answer, open } from "./database.js";
import { difference } from "./same-value.js";

/** What the tests with several tabs ask for. */
export { unfinishedImports };

export async function sameStores(one: string, other: string): Promise<string> {
  const [a, b] = [await open(one), await open(other)];
  try {
    return await difference(
      await answer(a.transaction("a").objectStore("a").getAll()),
      await answer(b.transaction("a").objectStore("a").getAll()),
    );
  } finally {
    a.close();
    b.close();
  }
}

export async function scratchFiles(): Promise<string[]> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(".beam-indexeddb");
  const names: string[] = [];
  for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
  return names;
}

/** What an export came to, when it has proved to be whole. `reached` is set when it has begun with the phase, and stays. */
export async function exportWhole(
  name: string,
  options: Parameters<typeof exportDB>[1],
  phase?: string,
): Promise<{ readonly version: number; readonly records: number }> {
  const stream = exportDB(name, {
    ...options,
    onProgress(progress) {
      if (progress.phase === phase && progress.records > 0)
        (globalThis as { reached?: boolean }).reached = true;
    },
  });
  const bytes = await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer();
  const snapshot = await SnapshotReader.open(bytesSource(new Uint8Array(bytes)));
  await snapshot.verify();
  return { version: snapshot.schema.version, records: snapshot.summary.records };
}

/** Resolves to the version when the upgrade has gone through. */
export async function upgrade(name: string, version: number): Promise<number> {
  const db = await answer(indexedDB.open(name, version));
  db.close();
  return db.version;
}

export async function exportInServiceWorker(name: string): Promise<unknown> {
  const registration = await navigator.serviceWorker.register("/service-worker.js", { type: "module" });
  const worker = registration.active ?? registration.installing ?? registration.waiting;
  const channel = new MessageChannel();
  const reply = new Promise((resolve) => {
    channel.port1.onmessage = ({ data }) => resolve(data);
  });
  worker!.postMessage(name, [channel.port2]);
  const result = await reply;
  await registration.unregister();
  return result;
}
