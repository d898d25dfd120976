import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileSystemOf } from "./file-system.js";
import { isProcessAlive } from "./publication.js";

/** Folders of runs that ended in a crash are removed after this long when nothing tells whether their process lives. */
const abandonedMs = 7 * 24 * 3600_000;

/** A folder beside the output for what a run writes before it publishes: on the same file system, so that renames are atomic. */
export function tempFolderFor(prefix: string): string {
  const { folder, start } = tempNames(prefix);
  return join(folder, `${start}${randomUUID()}`);
}

function tempNames(prefix: string): { readonly folder: string; readonly start: string } {
  // A prefix that ends with a slash is the folder itself.
  return prefix.endsWith("/")
    ? { folder: prefix, start: ".temp-" }
    : { folder: dirname(prefix), start: `.${basename(prefix)}.temp-` };
}

/** Creates the folder and notes whose it is. */
export async function openTempFolder(folder: string): Promise<void> {
  const owner = { host: hostname(), pid: process.pid, since: Date.now() };
  await fileSystemOf(folder).createIfAbsent(join(folder, "owner.json"), Buffer.from(JSON.stringify(owner)));
}

/** Removes the temporary folders that killed runs of the same prefix left behind; those of live ones stay. */
export async function removeAbandoned(prefix: string): Promise<void> {
  const { folder: parent, start } = tempNames(prefix);
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(start)) continue;
    const folder = join(parent, name);
    if (await isAbandoned(folder)) await fileSystemOf(folder).deleteFolder(folder);
  }
}

async function isAbandoned(folder: string): Promise<boolean> {
  try {
    const owner = JSON.parse(await readFile(join(folder, "owner.json"), "utf8")) as {
      host: string;
      pid: number;
      since: number;
    };
    if (owner.host === hostname()) return owner.pid !== process.pid && !isProcessAlive(owner.pid);
    return Date.now() - owner.since > abandonedMs;
  } catch {
    // No note (yet): it may just be coming into being.
    return false;
  }
}
