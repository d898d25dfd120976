import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

/** Where downloads are kept: `$XDG_CACHE_HOME/beam-indexeddb`, or `~/.cache/beam-indexeddb`. */
export function defaultCacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base !== undefined && base !== "" ? base : join(homedir(), ".cache"), "beam-indexeddb");
}

/**
 * A folder of the cache, filled on first use. It appears with all its content or not at all, so whoever is interrupted leaves nothing half done under its name,
 * and of several processes that fill it at once one wins and the others use that.
 * @param fill Writes the content into the folder that it is given.
 */
export async function cachedFolder(path: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = resolve(path);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
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
