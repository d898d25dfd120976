import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

/** Where downloads are kept: `$XDG_CACHE_HOME/beam-indexeddb`, or `~/.cache/beam-indexeddb`. */
export function defaultCacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base !== undefined && base !== "" ? base : join(homedir(), ".cache"), "beam-indexeddb");
}

/** A draft of a machine that can't be asked is given up after this time. */
const abandonedMs = 24 * 3600_000;

/**
 * A folder of the cache, filled on first use. It appears with all its content or not at all, so whoever is interrupted leaves nothing half done under its name,
 * and of several processes that fill it at once one wins and the others use that. What a killed process left is removed by the next one that fills the folder.
 * @param fill Writes the content into the folder that it is given.
 */
export async function cachedFolder(path: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = resolve(path);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  await removeAbandoned(folder);
  const draft = await mkdtemp(`${draftPrefix(folder)}${machine()}~${process.pid}~`);
  try {
    await fill(draft);
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

function draftPrefix(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}~`);
}

function machine(): string {
  return hostname().replaceAll(/[^\w.-]/g, "_");
}

/** Removes drafts whose makers are gone. A cache may be shared by machines: a process can only be looked for on its own. */
async function removeAbandoned(folder: string): Promise<void> {
  const prefix = basename(draftPrefix(folder));
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(prefix)) continue;
    const draft = join(dirname(folder), name);
    const [host, pid] = name.slice(prefix.length).split("~");
    const isAbandoned =
      host === machine() ? !isRunning(Number(pid)) : Date.now() - (await madeAt(draft)) > abandonedMs;
    // A program of the killed one may write for some seconds yet: what can't be removed now is removed the next time.
    if (isAbandoned) await rm(draft, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function madeAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
