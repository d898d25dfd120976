import { toHex } from "../snapshot/hex.js";
import { lockManager } from "./lock.js";

/**
 * Files in the origin private file system that live as long as one export or import. Each is guarded by a Web Lock, which the browser
 * drops when a tab or worker dies: a file without its lock was left behind and is removed by the next one who asks for a scratch file.
 */
export interface ScratchFile {
  readonly handle: FileSystemFileHandle;
  /** Removes the file and lets go of its lock. Never rejects. */
  discard(): Promise<void>;
}

const folderName = ".beam-indexeddb";
const lockPrefix = "beam-indexeddb:scratch:";

/** undefined where there is no OPFS (Node, insecure contexts, private windows of some browsers). */
export async function createScratchFile(): Promise<ScratchFile | undefined> {
  const locks = lockManager();
  const storage = (globalThis as { navigator?: { storage?: StorageManager } }).navigator?.storage;
  if (!locks || typeof storage?.getDirectory !== "function") return undefined;
  const name = randomName();
  const unlock = await holdLock(locks, lockPrefix + name);
  try {
    const root = await storage.getDirectory();
    const folder = await root.getDirectoryHandle(folderName, { create: true });
    await removeStale(folder, locks);
    const handle = await folder.getFileHandle(name, { create: true });
    return {
      handle,
      async discard() {
        await folder.removeEntry(name).catch(() => undefined);
        unlock();
      },
    };
  } catch {
    // Storage may be switched off or full; the caller has another way.
    unlock();
    return undefined;
  }
}

function holdLock(locks: LockManager, name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    locks
      .request(
        name,
        () =>
          new Promise<void>((unlock) => {
            resolve(unlock);
          }),
      )
      .catch(reject);
  });
}

async function removeStale(folder: FileSystemDirectoryHandle, locks: LockManager): Promise<void> {
  const { held = [], pending = [] } = await locks.query();
  const alive = new Set([...held, ...pending].map(({ name }) => name));
  for await (const name of folder.keys()) {
    // A file whose lock was taken after the query cannot be listed without it: the lock comes first, the file second.
    if (alive.has(lockPrefix + name)) continue;
    if ((await locks.query()).held?.some((lock) => lock.name === lockPrefix + name)) continue;
    await folder.removeEntry(name).catch(() => undefined);
  }
}

/** 128 random bits in hex; `randomUUID` would need a secure context. */
export function randomName(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}
