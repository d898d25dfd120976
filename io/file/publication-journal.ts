import { hostname } from "node:os";
import { SnapshotError } from "../../snapshot/index.js";
import { fileSystemOf } from "./file-system.js";
import { staysInside } from "./join-path.js";

/** What a publication does. */
export interface Journal {
  /** Paths relative to the journal's folder: who completes it may have another working directory. */
  readonly renames: readonly { readonly from: string; readonly to: string }[];
  /** Old files that are not part of the new result, with what they were: one that was replaced since is not touched. */
  readonly deletes: readonly { readonly path: string; readonly identity: string }[];
  readonly owner: JournalOwner;
}

export interface JournalOwner {
  readonly host: string;
  readonly pid: number;
}

/** After so long without a sign of life an owner on another machine counts as dead. */
const foreignOwnerMs = 120_000;
/** How often an owner gives a sign of life. */
const signOfLifeMs = 20_000;

/** This process, as others see it. */
export function thisOwner(): JournalOwner {
  return { host: hostname(), pid: process.pid };
}

export function encodeJournal(journal: Journal): Uint8Array {
  return Buffer.from(JSON.stringify(journal));
}

/** A journal that somebody else takes over is no longer this process's. */
export class JournalLost extends Error {}

/**
 * A journal that this process owns. While it is held, it is written anew now and then: a publication on an object store copies its files, which may take long, and must
 * not be taken for dead.
 */
export class HeldJournal {
  private readonly path: string;
  private readonly workFolder: string;
  private identity: string;
  private journal: Journal;
  private isLost = false;
  private turn: Promise<void> = Promise.resolve();
  private readonly timer: NodeJS.Timeout;

  constructor(path: string, identity: string, journal: Journal, workFolder: string) {
    this.path = path;
    this.identity = identity;
    this.journal = journal;
    this.workFolder = workFolder;
    this.timer = setInterval(() => {
      // What went wrong with a sign of life is told by the next step of the work.
      this.write(this.journal).catch(() => undefined);
    }, signOfLifeMs);
    this.timer.unref();
  }

  /** Says something else. @throws JournalLost */
  write(journal: Journal): Promise<void> {
    const done = this.turn.then(async () => {
      this.check();
      this.journal = journal;
      const bytes = encodeJournal(journal);
      const identity = await fileSystemOf(this.path).replaceIfSame(
        this.path,
        this.identity,
        bytes,
        this.workFolder,
      );
      if (identity === undefined) this.isLost = true;
      else this.identity = identity;
      this.check();
    });
    this.turn = done.catch(() => undefined);
    return done;
  }

  /** To be called before each step. @throws JournalLost when it is another process's by now */
  check(): void {
    if (this.isLost) throw new JournalLost(`${this.path} was taken over`);
  }

  /** Removes it: all is done. */
  async remove(): Promise<void> {
    clearInterval(this.timer);
    await this.turn;
    // Another process may have completed it, and a third may have begun the next publication since.
    if (!this.isLost) await fileSystemOf(this.path).deleteIfSame(this.path, this.identity);
  }

  /** Leaves it as it is, for others to complete. */
  leave(): void {
    clearInterval(this.timer);
  }
}

/** A journal, and which file it was read from. */
export interface FoundJournal {
  readonly journal: Journal;
  readonly identity: string;
}

export async function readJournal(path: string): Promise<FoundJournal | undefined> {
  const fileSystem = fileSystemOf(path);
  // The identity is taken before the content: a journal that was replaced in between is not taken over.
  const identity = await fileSystem.identity(path);
  if (identity === undefined) return undefined;
  let text: string;
  try {
    const source = await fileSystem.open(path);
    text = Buffer.from(await source.slice(0, source.byteLength)).toString("utf8");
    await source.close();
  } catch (error) {
    if (error instanceof SnapshotError && error.code === "FILE_NOT_FOUND") return undefined;
    // Replaced while it was read: whoever did that is at work.
    if ((await fileSystem.identity(path)) !== identity) return readJournal(path);
    throw error;
  }
  return { journal: parseJournal(text, path), identity };
}

/** Whoever may write into a folder must not thereby have files moved elsewhere. */
function parseJournal(text: string, path: string): Journal {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw noJournal(path, cause);
  }
  const { renames, deletes, owner } = (parsed ?? {}) as Partial<Journal>;
  const isInside = (name: unknown): boolean => typeof name === "string" && staysInside(name);
  const isJournal =
    Array.isArray(renames) &&
    Array.isArray(deletes) &&
    renames.every((one: Partial<Journal["renames"][number]>) => isInside(one.from) && isInside(one.to)) &&
    deletes.every((one: Partial<Journal["deletes"][number]>) => isInside(one.path)) &&
    typeof owner?.host === "string" &&
    typeof owner.pid === "number";
  if (!isJournal) throw noJournal(path);
  return parsed as Journal;
}

function noJournal(path: string, cause?: unknown): SnapshotError {
  return new SnapshotError(
    "FILE_READ_FAILED",
    `${JSON.stringify(path)} is no journal of a publication. Remove it and run the pipeline again.`,
    { file: path, cause },
  );
}

/** Is whoever owns a journal still at work, as far as can be seen from here? */
export async function isOwnerAlive(path: string, { owner }: Journal): Promise<boolean> {
  if (owner.host === hostname()) return isProcessAlive(owner.pid);
  const file = await fileSystemOf(path).stat(path);
  return file !== undefined && Date.now() - file.lastModified < foreignOwnerMs;
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
