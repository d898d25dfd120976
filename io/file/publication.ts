import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SnapshotError } from "../../snapshot/index.js";
import { fileSystemOf, type FileSystem } from "./file-system.js";
import { splitPrefix } from "./shard-name.js";
import { escapeGlob, fileIdentity, listFiles } from "./local-file-system.js";

/**
 * Many files become visible as one. Everything is written under temporary names first; then a journal, created at once or not at all, says
 * which file gets which name and which old ones go; then the renames are done and the journal is removed. Who finds a journal of a process
 * that died completes it: so after a crash at any point there is the old result or the new one, never a mixture.
 */
interface Journal {
  /** Paths relative to the journal's folder: who completes it may have another working directory. */
  readonly renames: readonly { readonly from: string; readonly to: string }[];
  /** Old files that are not part of the new result, with what they were: one that was replaced since is not touched. */
  readonly deletes: readonly { readonly path: string; readonly identity: string }[];
  readonly owner: { readonly host: string; readonly pid: number };
}

export interface PublishOptions {
  /** Path and beginning of the names, or a folder with a slash at its end; one publication at a time for each. */
  readonly prefix: string;
  readonly renames: readonly { readonly from: string; readonly to: string }[];
  /** Is this name (in the prefix's folder) one of an earlier result? */
  readonly isStale: (name: string) => boolean;
}

/** Longer than any publication takes; after that an owner on another machine counts as dead. */
const foreignOwnerMs = 120_000;
const pollMs = 50;

/** Publications of this process that are under way, by their journal. */
const underWay = new Map<string, Promise<void>>();

/**
 * Publishes files of a finished write under their final names.
 * @throws SnapshotError FILE_NOT_WRITABLE, FILE_WRITE_FAILED
 */
export async function publish({ prefix, renames, isStale }: PublishOptions): Promise<void> {
  const fileSystem = fileSystemOf(prefix);
  const journalPath = journalOf(prefix);
  const folder = dirname(journalPath);
  const kept = new Set(renames.map(({ to }) => basename(to)));
  // Where the files come from: what a crash leaves there is removed with the rest.
  const workFolder = dirname(renames[0]?.from ?? journalPath);
  const owner = { host: hostname(), pid: process.pid };
  const empty: Journal = { renames: [], deletes: [], owner };
  // First a journal that says nothing, as a lock: old files must be listed when nobody else can add some. Who finds it removes it, and the old
  // result stays.
  do await settleJournal(fileSystem, journalPath);
  while (!(await fileSystem.createIfAbsent(journalPath, encodeJournal(empty), workFolder)));
  const published = (async () => {
    const deletes = await staleFiles(fileSystem, folder, (name) => isStale(name) && !kept.has(name)).catch(
      async (error: unknown) => {
        await fileSystem.delete(journalPath);
        throw error;
      },
    );
    const journal: Journal = {
      renames: renames.map(({ from, to }) => ({ from: relative(folder, from), to: relative(folder, to) })),
      deletes,
      owner,
    };
    await replaceJournal(fileSystem, journalPath, journal, workFolder);
    await complete(fileSystem, journalPath, journal);
  })();
  underWay.set(resolve(journalPath), published);
  try {
    await published;
  } finally {
    underWay.delete(resolve(journalPath));
  }
}

async function staleFiles(
  fileSystem: FileSystem,
  folder: string,
  isStale: (name: string) => boolean,
): Promise<Journal["deletes"]> {
  const stale: { path: string; identity: string }[] = [];
  for (const { path } of await fileSystem.list(join(escapeGlob(folder), "*"))) {
    if (!isStale(basename(path))) continue;
    const identity = await fileIdentity(path);
    if (identity !== undefined) stale.push({ path: basename(path), identity });
  }
  return stale;
}

function encodeJournal(journal: Journal): Uint8Array {
  return Buffer.from(JSON.stringify(journal));
}

async function replaceJournal(
  fileSystem: FileSystem,
  path: string,
  journal: Journal,
  workFolder: string,
): Promise<void> {
  const next = join(workFolder, `journal-${randomUUID()}`);
  const file = await fileSystem.create(next);
  await file.write(encodeJournal(journal));
  await file.close();
  await fileSystem.rename(next, path);
}

/** Resolves when no publication of this process is under way: before it ends early. */
export async function publicationsEnd(): Promise<void> {
  await Promise.allSettled(underWay.values());
}

/** Waits for publications of this folder that are under way, and completes those whose process died: before its files are listed. */
export async function settleFolder(folder: string): Promise<void> {
  const fileSystem = fileSystemOf(folder);
  for (const { path } of await fileSystem.list(journalPattern(folder))) await settleJournal(fileSystem, path);
}

/** Is there a publication of this folder that is under way, or to be completed? */
export function isPublishing(folder: string): boolean {
  return listFiles(journalPattern(folder)).length > 0;
}

function journalPattern(folder: string): string {
  return join(escapeGlob(folder), ".*.publication");
}

async function settleJournal(fileSystem: FileSystem, path: string): Promise<void> {
  for (;;) {
    const journal = await readJournal(fileSystem, path);
    if (!journal) return;
    const own = underWay.get(resolve(path));
    if (own) {
      await own.catch(() => undefined);
    } else if (await isAlive(fileSystem, path, journal)) {
      await delay(pollMs);
    } else {
      await complete(fileSystem, path, journal);
      return;
    }
  }
}

function journalOf(prefix: string): string {
  const { folder, base } = splitPrefix(prefix);
  return join(folder, `.${base === "" ? "all" : base}.publication`);
}

async function complete(fileSystem: FileSystem, journalPath: string, journal: Journal): Promise<void> {
  const folder = dirname(journalPath);
  const own = await fileIdentity(journalPath);
  for (const { from, to } of journal.renames) {
    const source = resolve(folder, from);
    // Already renamed by an earlier attempt, or by another process that completes the same journal.
    if ((await fileSystem.stat(source)) === undefined) continue;
    await fileSystem.rename(source, resolve(folder, to)).catch(async (error: unknown) => {
      if ((await fileSystem.stat(source)) !== undefined) throw error;
    });
  }
  for (const { path, identity } of journal.deletes) {
    if ((await fileIdentity(resolve(folder, path))) === identity)
      await fileSystem.delete(resolve(folder, path));
  }
  // Another process may have completed it first, and a third may have begun the next publication since.
  if ((await fileIdentity(journalPath)) === own) await fileSystem.delete(journalPath);
}

async function readJournal(fileSystem: FileSystem, path: string): Promise<Journal | undefined> {
  if ((await fileSystem.stat(path)) === undefined) return undefined;
  let text: string;
  try {
    const source = await fileSystem.open(path);
    text = Buffer.from(await source.slice(0, source.byteLength)).toString("utf8");
    await source.close();
  } catch (error) {
    if (error instanceof SnapshotError && error.code === "FILE_NOT_FOUND") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as Journal;
  } catch (cause) {
    throw new SnapshotError(
      "FILE_READ_FAILED",
      `${JSON.stringify(path)} is no journal of a publication. Remove it and run the pipeline again.`,
      { file: path, cause },
    );
  }
}

async function isAlive(fileSystem: FileSystem, path: string, { owner }: Journal): Promise<boolean> {
  if (owner.host !== hostname()) {
    const file = await fileSystem.stat(path);
    return file !== undefined && Date.now() - file.lastModified < foreignOwnerMs;
  }
  return isProcessAlive(owner.pid);
}

export function isProcessAlive(pid: number): boolean {
  // Only asked of what this process does not know to be under way: an earlier attempt of it failed half way.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
