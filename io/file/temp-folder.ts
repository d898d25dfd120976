import { hostname } from "node:os";
import { createHash, randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { fileSystemOf } from "./file-system.js";
import { absolutePath, joinPath, remotePath } from "./join-path.js";
import { publicationsEnd, settleFolder } from "./publication.js";
import { isProcessAlive } from "./publication-journal.js";
import { splitPrefix } from "./shard-name.js";

/** Folders of runs that ended in a crash are removed after this long when nothing tells whether their process lives. */
const abandonedMs = 7 * 24 * 3600_000;

/**
 * A folder beside the output for what a run writes before it publishes: on the same file system, so that renames are atomic. Its name says whose
 * it is from the first moment on: the machine and the process that built the pipeline.
 */
export function tempFolderFor(prefix: string, pid = process.pid, host = hostname()): string {
  const { folder, start } = tempNames(prefix);
  return joinPath(folder, `${start}${machineOf(host)}.${pid}.${randomUUID()}`);
}

/** A host's name may hold anything. */
function machineOf(host: string): string {
  return createHash("sha256").update(host).digest("hex").slice(0, 12);
}

function tempNames(prefix: string): { readonly folder: string; readonly start: string } {
  const { folder, base } = splitPrefix(prefix);
  return { folder, start: base === "" ? ".temp-" : `.${base}.temp-` };
}

/** The temporary folders that this process has opened and not removed. */
const opened = new Set<string>();

/** To be called by whoever is about to write into it. */
export function openTempFolder(folder: string): void {
  opened.add(folder);
}

/** Removes a temporary folder whose files are published. */
export async function closeTempFolder(folder: string): Promise<void> {
  await fileSystemOf(folder).deleteFolder(folder);
  opened.delete(folder);
}

/**
 * Removes the temporary folders of all runs of this process that did not come to their end. To be called when nothing runs any more: after a
 * failure, or before the process ends early. A publication that is under way is completed first.
 */
export async function discardTempFolders(): Promise<void> {
  await publicationsEnd();
  // At once, so that nothing of what is still under way comes in between and the end of the process.
  const local = [...opened].filter((folder) => !remotePath(folder));
  const remote = [...opened].filter((folder) => remotePath(folder));
  for (const folder of local) rmSync(folder, { recursive: true, force: true });
  for (const folder of remote) await fileSystemOf(folder).deleteFolder(folder);
  opened.clear();
}

/**
 * Removes the temporary folders that killed runs of the same prefix left behind; those of live ones stay.
 * @param own Folder of the caller's run. It stays although the process that built the pipeline may have ended, or be out of sight in another
 * container: its workers go on.
 */
export async function removeAbandoned(prefix: string, own?: string): Promise<void> {
  const { folder: parent, start } = tempNames(prefix);
  const folders = await fileSystemOf(parent).listFolders(parent, start);
  const abandoned: string[] = [];
  for (const folder of folders) {
    if (own !== undefined && absolutePath(folder) === absolutePath(own)) continue;
    if (await isAbandoned(folder)) abandoned.push(folder);
  }
  if (abandoned.length === 0) return;
  // A run that was killed while it published has complete files in there that are part of its result.
  await settleFolder(parent);
  for (const folder of abandoned) await fileSystemOf(folder).deleteFolder(folder);
}

async function isAbandoned(folder: string): Promise<boolean> {
  const [, machine, pid] = /\.temp-([0-9a-f]{12})\.(\d+)\.[0-9a-f-]{36}$/.exec(folder) ?? [];
  if (machine === machineOf(hostname())) return Number(pid) !== process.pid && !isProcessAlive(Number(pid));
  const changed = await fileSystemOf(folder).lastChange(folder);
  return changed !== undefined && Date.now() - changed > abandonedMs;
}
