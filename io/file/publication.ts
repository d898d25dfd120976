import { setTimeout as delay } from "node:timers/promises";
import { fileSystemOf } from "./file-system.js";
import { absolutePath, folderOf, joinPath, nameOf, relativePath } from "./join-path.js";
import { listFiles } from "./local-file-system.js";
import {
  encodeJournal,
  type FoundJournal,
  HeldJournal,
  isOwnerAlive,
  type Journal,
  JournalLost,
  readJournal,
  thisOwner,
} from "./publication-journal.js";
import { splitPrefix } from "./shard-name.js";
import { escapeGlob } from "./split-pattern.js";

/**
 * Many files become visible as one. Everything is written under temporary names first; then a journal, created at once or not at all, says
 * which file gets which name and which old ones go; then the renames are done and the journal is removed. Who finds a journal of a process
 * that died takes it over and completes it: so after a crash at any point there is the old result or the new one, never a mixture. One process is at work on a
 * journal at a time: taking it over replaces it, which of several only one can.
 */
export interface PublishOptions {
  /** Path and beginning of the names, or a folder with a slash at its end; one publication at a time for each. */
  readonly prefix: string;
  readonly renames: readonly { readonly from: string; readonly to: string }[];
  /** Is this name (in the prefix's folder) one of an earlier result? */
  readonly isStale: (name: string) => boolean;
}

const pollMs = 50;
const pollRemoteMs = 1000;

/** Publications of this process that are under way, by their journal. */
const underWay = new Map<string, Promise<void>>();

/**
 * Publishes files of a finished write under their final names.
 * @throws SnapshotError FILE_NOT_WRITABLE, FILE_WRITE_FAILED
 */
export async function publish({ prefix, renames, isStale }: PublishOptions): Promise<void> {
  const fileSystem = fileSystemOf(prefix);
  const journalPath = journalOf(prefix);
  const folder = folderOf(journalPath);
  const kept = new Set(renames.map(({ to }) => nameOf(to)));
  // Where the files come from: what a crash leaves there is removed with the rest.
  const workFolder = folderOf(renames[0]?.from ?? journalPath);
  const owner = thisOwner();
  const empty: Journal = { renames: [], deletes: [], owner };
  // First a journal that says nothing, as a lock: old files must be listed when nobody else can add some. Who finds it removes it, and the old
  // result stays.
  let identity: string | undefined;
  do {
    await settleJournal(journalPath);
    identity = await fileSystem.createIfAbsent(journalPath, encodeJournal(empty), workFolder);
  } while (identity === undefined);
  const held = new HeldJournal(journalPath, identity, empty, workFolder);
  let isWritten = false;
  const published = (async () => {
    let journal: Journal;
    try {
      const deletes = await staleFiles(folder, (name) => isStale(name) && !kept.has(name));
      journal = {
        renames: renames.map(({ from, to }) => ({
          from: relativePath(folder, from),
          to: relativePath(folder, to),
        })),
        deletes,
        owner,
      };
      isWritten = true;
      await held.write(journal);
    } catch (error) {
      if (!(error instanceof JournalLost)) {
        // A journal of which nobody knows whether it says something is left for the next to find.
        if (isWritten) held.leave();
        else await held.remove();
      }
      throw error;
    }
    await complete(folder, journal, held);
  })();
  const key = absolutePath(journalPath);
  underWay.set(key, published);
  try {
    await published;
  } catch (error) {
    if (!(error instanceof JournalLost)) throw error;
    // This process was silent for so long that another one took it for dead, and removed the lock or completes what the journal says.
    await settleJournal(journalPath, true);
    if (!(await isDone(renames))) await publish({ prefix, renames, isStale });
  } finally {
    if (underWay.get(key) === published) underWay.delete(key);
  }
}

async function isDone(renames: PublishOptions["renames"]): Promise<boolean> {
  for (const { from } of renames) if ((await fileSystemOf(from).stat(from)) !== undefined) return false;
  return true;
}

async function staleFiles(folder: string, isStale: (name: string) => boolean): Promise<Journal["deletes"]> {
  const fileSystem = fileSystemOf(folder);
  const stale: { path: string; identity: string }[] = [];
  for (const { path } of await fileSystem.list(joinPath(escapeGlob(folder), "*"))) {
    if (!isStale(nameOf(path))) continue;
    const identity = await fileSystem.identity(path);
    if (identity !== undefined) stale.push({ path: nameOf(path), identity });
  }
  return stale;
}

/** Resolves when no publication of this process is under way: before it ends early. */
export async function publicationsEnd(): Promise<void> {
  await Promise.allSettled(underWay.values());
}

/** Waits for publications of this folder that are under way, and completes those whose process died: before its files are listed. */
export async function settleFolder(folder: string): Promise<void> {
  for (const { path } of await fileSystemOf(folder).list(journalPattern(folder))) await settleJournal(path);
}

/** Is there a publication of this local folder that is under way, or to be completed? */
export function isPublishing(folder: string): boolean {
  return listFiles(journalPattern(folder)).length > 0;
}

function journalPattern(folder: string): string {
  return joinPath(escapeGlob(folder), ".*.publication");
}

async function settleJournal(path: string, isOwnOver = false): Promise<void> {
  const isLocal = absolutePath(path) !== path || !path.includes("://");
  for (;;) {
    const found = await readJournal(path);
    if (!found) return;
    const own = isOwnOver ? undefined : underWay.get(absolutePath(path));
    if (own) {
      await own.catch(() => undefined);
    } else if (await isOwnerAlive(path, found.journal)) {
      await delay(isLocal ? pollMs : pollRemoteMs);
    } else if (await takeOver(path, found)) {
      return;
    }
  }
}

/** Completes the journal of a process that died. False when another one is faster. */
async function takeOver(path: string, { journal, identity }: FoundJournal): Promise<boolean> {
  const folder = folderOf(path);
  const own = { ...journal, owner: thisOwner() };
  const taken = await fileSystemOf(path).replaceIfSame(path, identity, encodeJournal(own), folder);
  if (taken === undefined) return false;
  const held = new HeldJournal(path, taken, own, folder);
  const key = absolutePath(path);
  const completed = complete(folder, own, held);
  underWay.set(key, completed);
  try {
    await completed;
    return true;
  } catch (error) {
    if (error instanceof JournalLost) return false;
    throw error;
  } finally {
    if (underWay.get(key) === completed) underWay.delete(key);
  }
}

function journalOf(prefix: string): string {
  const { folder, base } = splitPrefix(prefix);
  return joinPath(folder, `.${base === "" ? "all" : base}.publication`);
}

/** Each step can be done again: what an earlier attempt has done is found done. */
async function complete(folder: string, journal: Journal, held: HeldJournal): Promise<void> {
  const fileSystem = fileSystemOf(folder);
  try {
    for (const { from, to } of journal.renames) {
      held.check();
      const source = joinPath(folder, from);
      if ((await fileSystem.stat(source)) === undefined) continue;
      await fileSystem.rename(source, joinPath(folder, to)).catch(async (error: unknown) => {
        if ((await fileSystem.stat(source)) !== undefined) throw error;
      });
    }
    for (const { path, identity } of journal.deletes) {
      held.check();
      await fileSystem.deleteIfSame(joinPath(folder, path), identity);
    }
  } catch (error) {
    held.leave();
    throw error;
  }
  await held.remove();
}
