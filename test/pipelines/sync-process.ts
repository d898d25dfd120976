import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { runDirect } from "../../beam/index.js";
import { openSnapshot, readFromIndexedDB } from "../../io/index.js";
import { openSqlite } from "../../io/sqlite/sqlite-driver.js";
import { deviceSnapshot } from "../device-snapshot.js";

const bin = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));

/** The arguments to Node for a `sync` over all snapshots of a folder. */
export function syncArguments(input: string, output: string, numShards: number): string[] {
  const options = [`--input=${join(input, "*.idbsnap")}`, `--output=${output}`, `--numShards=${numShards}`];
  return [bin, "run", "sync", ...options];
}

export function startSync(input: string, output: string, numShards: number): ChildProcess {
  return spawn(process.execPath, syncArguments(input, output, numShards), {
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** The exit code, null after a signal, and what was said on standard error. */
export async function endOf(child: ChildProcess): Promise<{ code: number | null; said: string }> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
  return { code: child.exitCode, said };
}

/** Snapshots of two devices that share half of their notes; a later capture wins. */
export async function makeDevices(folder: string, text: string, capturedAt: number): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (const device of ["phone", "laptop"]) {
    const notes = Array.from({ length: 1500 }, (_, i) => ({
      id: `${i % 2 === 0 ? device : "both"} ${String(i).padStart(5, "0")}`,
      updatedAt: i,
      text: `${text} ${device} ${Math.imul(i, 2654435761)}`.repeat(12),
    }));
    const bytes = await deviceSnapshot({ device, capturedAt, notes, blockBytes: 16_384 });
    writeFileSync(join(folder, `${device}.idbsnap`), bytes);
  }
  return folder;
}

const isFinal = (name: string): boolean => /^merged-\d|^summary\.json$/.test(name);

/** The files under final names that are replaced as wholes: name -> content. The SQLite database, written in place, is none of them. */
export function finalFiles(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(folder).filter(isFinal).sort()) {
    try {
      found[name] = readFileSync(join(folder, name), "base64");
    } catch (error) {
      // An old shard that went since the folder was read.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return found;
}

export function snapshotsOf(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter(([name]) => name.startsWith("merged-")));
}

/** What a reader of ours finds: it completes a publication that was interrupted, and every snapshot must be whole. */
export async function settledFiles(folder: string): Promise<Record<string, string>> {
  await runDirect((root) => {
    root.apply(readFromIndexedDB(join(folder, "merged-*.idbsnap")));
  });
  const files = finalFiles(folder);
  for (const name of Object.keys(snapshotsOf(files))) {
    await using snapshot = await openSnapshot(join(folder, name));
    await snapshot.verify();
  }
  return files;
}

/** The rows of the SQLite database, without the name of the run that wrote them. SQLite must find nothing wrong with the file. */
export function rowsOf(folder: string): unknown[] {
  const database = openSqlite(join(folder, "merged.sqlite"), 10_000);
  try {
    expect(database.all("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
    const tables = database.all("SELECT name FROM sqlite_master WHERE name = 'notes'");
    if (tables.length === 0) return [];
    return database
      .all("SELECT * FROM notes ORDER BY _key")
      .map((row) => ({ ...row, _key: undefined, _load_id: undefined }));
  } finally {
    database.close();
  }
}

/** Names that neither a result nor SQLite has. */
export function litterIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => !isFinal(name) && !name.startsWith("merged.sqlite"));
}
