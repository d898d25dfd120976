import { exportDB, importDB } from "../../../browser/index.js";
import { SnapshotReader, bytesSource, toHex } from "../../../snapshot/index.js";
import { answer, create, ended, open, remove } from "./database.js";

/** Exports and imports that a test cuts off: they say when the point is reached, and those that can be held stay there. */
const scope = globalThis as { reached?: boolean };

const reach = (): void => {
  scope.reached = true;
};

function never(): Promise<never> {
  return new Promise(() => undefined);
}

async function privateFile(name: string): Promise<FileSystemFileHandle> {
  return (await navigator.storage.getDirectory()).getFileHandle(name, { create: true });
}

/** Writes an export under a name in the private file system, as an app would that keeps a backup there. */
export async function exportToFile(name: string, file: string): Promise<void> {
  await exportDB(name).pipeTo(await (await privateFile(file)).createWritable());
}

/** The same, which reaches its point after records were read, or stops for good after chunks of the file. */
export async function exportUntil(
  name: string,
  file: string,
  point: { readonly records?: number; readonly chunks: number },
): Promise<void> {
  const writable = await (await privateFile(file)).createWritable();
  let chunks = 0;
  const hold = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (chunks++ < point.chunks) {
        controller.enqueue(chunk);
        return undefined;
      }
      reach();
      return never();
    },
  });
  await exportDB(name, {
    blockBytes: 65_536,
    onProgress({ phase, records }) {
      if (phase === "read" && records >= (point.records ?? Infinity)) reach();
    },
  })
    .pipeThrough(hold)
    .pipeTo(writable);
}

/** SHA-256 of a file in the private file system. */
export async function fileHash(name: string): Promise<string> {
  return sha256(await (await (await privateFile(name)).getFile()).arrayBuffer());
}

/** SHA-256 over the records of an export made now, which has to wait until the browser has let go of a dead tab's. */
export async function exportHash(name: string): Promise<string> {
  await navigator.locks.request(`beam-indexeddb:export:${name}`, () => undefined);
  const file = new Uint8Array(
    await new Response(exportDB(name) as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
  );
  const snapshot = await SnapshotReader.open(bytesSource(file));
  await snapshot.verify();
  const lines: string[] = [];
  for await (const { store, keyBytes, valueBytes } of snapshot.records())
    lines.push(`${store} ${toHex(keyBytes)} ${await sha256(valueBytes as Uint8Array<ArrayBuffer>)}`);
  return sha256(new TextEncoder().encode(lines.join("\n")));
}

async function sha256(bytes: BufferSource): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** The target of the next import: none, or one with records of its own. */
export async function prepareTarget(name: string, own: number): Promise<void> {
  await remove(name);
  if (own === 0) return;
  const db = await create(name, (upgrading) => upgrading.createObjectStore("a", { keyPath: "id" }));
  const transaction = db.transaction("a", "readwrite");
  const done = ended(transaction);
  for (let id = -own; id < 0; id++) transaction.objectStore("a").put({ id, own: true });
  await done;
  db.close();
}

/** An import that reaches its point when records are stored, in a worker, or holds for good at a record, in the page. */
export async function importUntil(
  file: string,
  into: string,
  point: { readonly records: number; readonly hold: boolean },
): Promise<void> {
  const source = await (await privateFile(file)).getFile();
  let seen = 0;
  await importDB(source, {
    into,
    ...(point.hold
      ? {
          worker: false,
          filter: () => {
            if (seen++ < point.records) return true;
            reach();
            return never();
          },
        }
      : {
          worker: true,
          onProgress: ({ phase, records }) => {
            if (phase === "import" && records >= point.records) reach();
          },
        }),
  });
}

export async function importFile(file: string, into: string): Promise<unknown> {
  return importDB(await (await privateFile(file)).getFile(), { into });
}

/** Ids in the database when no import works on it any more; undefined when there is none. */
export async function idsIn(name: string): Promise<readonly number[] | undefined> {
  await navigator.locks.request(`beam-indexeddb:import:${name}`, () => undefined);
  if (!(await indexedDB.databases()).some((database) => database.name === name)) return undefined;
  const db = await open(name);
  try {
    return (await answer(db.transaction("a").objectStore("a").getAllKeys())) as number[];
  } finally {
    db.close();
  }
}
