import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readdirSync, readSync, statSync, writeSync } from "node:fs";
import { link, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import picomatch from "picomatch";
import { fileError } from "./file-error.js";
import { makeFolder } from "./make-folder.js";
import type { FileMetadata, FileSystem, FileWriter } from "./file-system.js";
import { splitPattern, unescapeGlob } from "./split-pattern.js";

/**
 * Files of this machine. Reads and writes are synchronous calls of a block each: they are faster than promises, and the next block is needed
 * anyway before anything else can go on.
 */
export const localFileSystem: FileSystem = {
  list: (pattern) => Promise.resolve(listFiles(pattern)),

  // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown becomes a rejection
  async stat(path) {
    return tryMetadata(path);
  },

  async open(path) {
    return guarded(path, "read", () => {
      const { size } = metadata(path);
      const fd = openSync(path, "r");
      let open = true;
      return Promise.resolve({
        name: path,
        byteLength: size,
        slice(start: number, end: number) {
          const bytes = new Uint8Array(end - start);
          try {
            let at = 0;
            while (at < bytes.length) {
              const read = readSync(fd, bytes, at, bytes.length - at, start + at);
              if (read === 0)
                throw Object.assign(new Error("the file became shorter while it was read"), {
                  code: "ESHORT",
                });
              at += read;
            }
          } catch (cause) {
            throw fileError(cause, path, "read");
          }
          return bytes;
        },
        close() {
          if (open) closeSync(fd);
          open = false;
          return Promise.resolve();
        },
      });
    });
  },

  create: (path, { temporary = false } = {}) =>
    guarded(path, "write", () => Promise.resolve(createWriter(path, temporary))),

  createIfAbsent(path, bytes, workFolder = dirname(path)) {
    return guarded(path, "write", async () => {
      makeFolder(dirname(path));
      // Written aside first: the file must never be seen empty. A link fails when the name is taken, a rename would replace it.
      const aside = join(workFolder, `.${basename(path)}.${randomBytes(6).toString("hex")}.part`);
      await writeFile(aside, bytes, { flush: true });
      try {
        await link(aside, path);
        return await fileIdentity(aside);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "EEXIST") return undefined;
        throw cause;
      } finally {
        await rm(aside, { force: true });
      }
    });
  },

  identity: fileIdentity,

  replaceIfSame(path, identity, bytes, workFolder = dirname(path)) {
    return guarded(path, "write", async () => {
      const aside = join(workFolder, `.${basename(path)}.${randomBytes(6).toString("hex")}.part`);
      await writeFile(aside, bytes, { flush: true });
      try {
        if ((await fileIdentity(path)) !== identity) return undefined;
        const own = await fileIdentity(aside);
        await rename(aside, path);
        syncFolder(dirname(path));
        return own;
      } finally {
        await rm(aside, { force: true });
      }
    });
  },

  rename: (from, to) =>
    guarded(to, "write", async () => {
      makeFolder(dirname(to));
      await rename(from, to);
      syncFolder(dirname(to));
    }),
  delete: (path) => guarded(path, "write", () => rm(path, { force: true })),
  async deleteIfSame(path, identity) {
    if ((await fileIdentity(path)) === identity) await localFileSystem.delete(path);
  },
  deleteFolder: (path) => guarded(path, "write", () => rm(path, { force: true, recursive: true })),

  async listFolders(folder, start) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
      if (isMissing(cause)) return [];
      throw fileError(cause, folder, "read");
    });
    return entries
      .filter((entry) => entry.name.startsWith(start) && entry.isDirectory())
      .map(({ name }) => join(folder, name));
  },

  async lastChange(folder) {
    return (await stat(folder).catch(() => undefined))?.mtimeMs;
  },
};

async function guarded<T>(path: string, doing: "read" | "write", action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw fileError(cause, path, doing);
  }
}

/** What `list` gives, at once: sources use it to check their pattern while the pipeline is built. */
export function listFiles(pattern: string): readonly FileMetadata[] {
  const { folder: base, glob } = splitPattern(pattern);
  // A file of exactly this name is meant, whatever its name looks like: "notes [1].idbsnap".
  const exact = tryMetadata(pattern);
  if (exact) return [exact];
  if (glob === "") {
    const found = tryMetadata(unescapeGlob(pattern));
    return found ? [found] : [];
  }
  const matches = picomatch(glob, { dot: false });
  const found: FileMetadata[] = [];
  walk(base === "" ? "." : base, "", glob.includes("**") ? Infinity : glob.split("/").length, (relative) => {
    if (!matches(relative)) return;
    const file = tryMetadata(base === "" ? relative : join(base, relative));
    if (file) found.push(file);
  });
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function walk(base: string, relative: string, depth: number, visit: (relative: string) => void): void {
  let entries;
  try {
    entries = readdirSync(join(base, relative), { withFileTypes: true });
  } catch (cause) {
    if (isMissing(cause)) return;
    throw fileError(cause, join(base, relative), "read");
  }
  for (const entry of entries) {
    const path = relative === "" ? entry.name : `${relative}/${entry.name}`;
    if (!entry.isDirectory()) visit(path);
    else if (depth > 1 && !entry.name.startsWith(".")) walk(base, path, depth - 1, visit);
  }
}

function tryMetadata(path: string): FileMetadata | undefined {
  try {
    return metadata(path);
  } catch (cause) {
    // Gone since the folder was listed, or a link to nothing.
    if (isMissing(cause)) return undefined;
    throw fileError(cause, path, "read");
  }
}

function metadata(path: string): FileMetadata {
  const found = statSync(path);
  if (found.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
  return { path, size: found.size, lastModified: found.mtimeMs };
}

function isMissing(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}

function createWriter(path: string, temporary: boolean): FileWriter {
  makeFolder(dirname(path));
  const aside = join(
    dirname(path),
    `.${basename(path).slice(0, 100)}.${randomBytes(6).toString("hex")}.part`,
  );
  const fd = openSync(aside, "wx");
  let open = true;
  const end = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  return {
    write(bytes) {
      try {
        // The number of a closed file may be another file's by now: a block that was still being compressed must not go there.
        if (!open) throw new Error("the file was closed before");
        for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      } catch (cause) {
        throw fileError(cause, path, "write");
      }
    },
    close: () =>
      guarded(path, "write", async () => {
        // On disk before it has its name: a crash of the machine must not leave a name with nothing behind it.
        if (!temporary) fsyncSync(fd);
        end();
        await rename(aside, path);
        if (!temporary) syncFolder(dirname(path));
      }),
    async abort() {
      end();
      await rm(aside, { force: true });
    },
  };
}

function syncFolder(path: string): void {
  try {
    const fd = openSync(path, "r");
    fsyncSync(fd);
    closeSync(fd);
  } catch {
    // Some systems can't sync folders (Windows): there the rename is as durable as the system makes it.
  }
}

async function fileIdentity(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino}:${size}:${mtimeMs}`;
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw fileError(cause, path, "read");
  }
}
