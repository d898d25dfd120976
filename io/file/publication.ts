import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SnapshotError } from "../../snapshot/index.js";
import { fileSystemOf, type FileSystem } from "./file-system.js";
import { fileIdentity } from "./local-file-system.js";

/**
 * Many files become visible as one. Everything is written under temporary names first; then a journal, created at once or not at all, says
 * which file gets which name and which old ones go; then the renames are done and the journal is removed. Who finds a journal of a process
 * that died completes it: so after a crash at any point there is the old result or the new one, never a mixture.
 */
interface Journal {
  readonly renames: readonly { readonly from: string; readonly to: string }[];
  /** Old files that are not part of the new result, with what they were: one that was replaced since is not touched. */
  readonly deletes: readonly { readonly path: string; readonly identity: string }[];
  readonly owner: { readonly host: string; readonly pid: number };
}

export interface PublishOptions {
  /** Path and beginning of the names; one publication at a time for each. */
  readonly prefix: string;
  /** All file names are relative to this folder. */
  readonly renames: Journal["renames"];
  /** Is this name (in the prefix's folder) one of an earlier result? */
  readonly isStale: (name: string) => boolean;
}

/** Longer than any publication takes; after that an owner on another machine counts as dead. */
const foreignOwnerMs = 120_000;
const pollMs = 50;

/**
 * Publishes files of a finished write under their final names.
 * @throws SnapshotError FILE_NOT_WRITABLE, FILE_WRITE_FAILED
 */
export async function publish({ prefix, renames, isStale }: PublishOptions): Promise<void> {
  const fileSystem = fileSystemOf(prefix);
  const journalPath = journalOf(prefix);
  const kept = new Set(renames.map(({ to }) => to));
  for (;;) {
    await settlePublication(prefix);
    const deletes: { path: string; identity: string }[] = [];
    for (const { path } of await fileSystem.list(join(escapeGlob(dirname(prefix)), "*"))) {
      if (!isStale(basename(path)) || kept.has(path)) continue;
      const identity = await fileIdentity(path);
      if (identity !== undefined) deletes.push({ path, identity });
    }
    const journal: Journal = { renames, deletes, owner: { host: hostname(), pid: process.pid } };
    if (await fileSystem.createIfAbsent(journalPath, Buffer.from(JSON.stringify(journal)))) {
      await complete(fileSystem, journalPath, journal);
      return;
    }
  }
}

/** Waits for a publication of this prefix that is under way, and completes one whose process died. */
export async function settlePublication(prefix: string): Promise<void> {
  await settleJournal(fileSystemOf(prefix), journalOf(prefix));
}

/** The same for all prefixes of a folder: before its files are listed. */
export async function settleFolder(folder: string): Promise<void> {
  const fileSystem = fileSystemOf(folder);
  for (const { path } of await fileSystem.list(join(escapeGlob(folder), ".*.publication")))
    await settleJournal(fileSystem, path);
}

async function settleJournal(fileSystem: FileSystem, path: string): Promise<void> {
  for (;;) {
    const journal = await readJournal(fileSystem, path);
    if (!journal) return;
    if (!(await isAlive(fileSystem, path, journal))) {
      await complete(fileSystem, path, journal);
      return;
    }
    await delay(pollMs);
  }
}

function journalOf(prefix: string): string {
  return join(dirname(prefix), `.${basename(prefix)}.publication`);
}

async function complete(fileSystem: FileSystem, journalPath: string, journal: Journal): Promise<void> {
  for (const { from, to } of journal.renames) {
    // Already renamed by an earlier attempt, or by another process that completes the same journal.
    if ((await fileSystem.stat(from)) === undefined) continue;
    await fileSystem.rename(from, to).catch(async (error: unknown) => {
      if ((await fileSystem.stat(from)) !== undefined) throw error;
    });
  }
  for (const { path, identity } of journal.deletes) {
    if ((await fileIdentity(path)) === identity) await fileSystem.delete(path);
  }
  await fileSystem.delete(journalPath);
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
  // The journal of this very process is only met when an earlier attempt of it failed half way.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A path as a pattern that matches only itself. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[\]{}()!\\]/g, "\\$&");
}
