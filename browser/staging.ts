import { createScratchFile, type ScratchFile } from "./scratch-file.js";

/**
 * Where raw records wait between the transaction and the compression. `append` is synchronous, because a transaction does not survive
 * waiting for a file. Chunks come back in the order and sizes in which they were appended.
 */
export interface Staging {
  /** Done with `chunk` when it returns. */
  append(chunk: Uint8Array): void;
  /** Each chunk is valid until the next is asked for: one buffer may serve all. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Frees the space. Never rejects. */
  discard(): Promise<void>;
}

/** "opfs": a private file, in a dedicated worker only. "memory": Blobs, which browsers move out of the page's memory. "auto": the first that works. */
export type StagingMode = "auto" | "opfs" | "memory";

/** @throws TypeError for "opfs" where no synchronous file access is to be had. */
export async function openStaging(mode: StagingMode): Promise<Staging> {
  if (mode !== "memory") {
    const staging = await openFileStaging(mode === "auto");
    if (staging) return staging;
    if (mode === "opfs") {
      throw new TypeError(
        'staging: "opfs" needs a dedicated worker in a secure context, and FileSystemSyncAccessHandle. Use "auto".',
      );
    }
  }
  return memoryStaging();
}

function memoryStaging(): Staging {
  let blobs: Blob[] = [];
  return {
    append(chunk) {
      blobs.push(new Blob([chunk as Uint8Array<ArrayBuffer>]));
    },
    async *chunks() {
      for (const blob of blobs) yield new Uint8Array(await blob.arrayBuffer());
    },
    discard() {
      blobs = [];
      return Promise.resolve();
    },
  };
}

async function openFileStaging(spillOver: boolean): Promise<Staging | undefined> {
  const prototype = (globalThis as { FileSystemFileHandle?: { prototype: object } }).FileSystemFileHandle
    ?.prototype;
  // Only dedicated workers have it.
  if (!prototype || !("createSyncAccessHandle" in prototype)) return undefined;
  const file = await createScratchFile();
  if (!file) return undefined;
  let access: SyncAccessHandle;
  try {
    access = await (file.handle as SyncFileHandle).createSyncAccessHandle();
  } catch {
    await file.discard();
    return undefined;
  }
  return fileStaging(file, access, spillOver);
}

/** When the quota ends in the middle and `spillOver` is set, the chunks after it go to memory instead of failing the export. */
function fileStaging(file: ScratchFile, access: SyncAccessHandle, spillOver: boolean): Staging {
  const lengths: number[] = [];
  let at = 0;
  let spilled: Staging | undefined;
  return {
    append(chunk) {
      if (!spilled) {
        try {
          writeFully(access, chunk, at);
          at += chunk.length;
          lengths.push(chunk.length);
          return;
        } catch (error) {
          if (!spillOver) throw error;
          spilled = memoryStaging();
        }
      }
      spilled.append(chunk);
    },
    async *chunks() {
      let from = 0;
      // A new buffer for each would be garbage as large as the database, which engines are slow to collect.
      let buffer = new Uint8Array(0);
      for (const length of lengths) {
        if (buffer.length < length) buffer = new Uint8Array(length);
        const chunk = buffer.subarray(0, length);
        for (let got = 0; got < length;) {
          const count = access.read(chunk.subarray(got), { at: from + got });
          if (count === 0) throw new Error("The staging file ended before its last record.");
          got += count;
        }
        from += length;
        yield chunk;
      }
      if (spilled) yield* spilled.chunks();
    },
    async discard() {
      await spilled?.discard();
      access.close();
      await file.discard();
    },
  };
}

function writeFully(access: SyncAccessHandle, chunk: Uint8Array, at: number): void {
  for (let done = 0; done < chunk.length;) {
    const count = access.write(chunk.subarray(done), { at: at + done });
    if (count === 0) throw new DOMException("The staging file cannot grow.", "QuotaExceededError");
    done += count;
  }
}

/** Not in TypeScript's DOM library, only in its worker library, and the two cannot be mixed. */
interface SyncAccessHandle {
  read(buffer: Uint8Array, options: { at: number }): number;
  write(buffer: Uint8Array, options: { at: number }): number;
  close(): void;
}
interface SyncFileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<SyncAccessHandle>;
}
