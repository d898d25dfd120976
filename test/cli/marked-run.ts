/** Runs of the command line whose processes can be found, all of them, whoever started them. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { deviceSnapshot } from "../device-snapshot.js";
import { temporaryFolder } from "../temporary-folder.js";

const bin = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));

/** A process of the command line that was started. */
export interface MarkedRun {
  readonly child: ChildProcess;
  /** A variable of its environment, which every process that comes of it inherits. */
  readonly mark: string;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

/** Starts `beam-indexeddb` with these arguments. */
export function startMarked(args: readonly string[], env: Readonly<Record<string, string>> = {}): MarkedRun {
  const mark = `BEAM_INDEXEDDB_TEST=${randomUUID()}`;
  const [name, value] = mark.split("=") as [string, string];
  const child = spawn(process.execPath, [bin, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env, [name]: value },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (part: Buffer) => (out += part.toString()));
  child.stderr.on("data", (part: Buffer) => (err += part.toString()));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, out, err }));
  return { child, mark, ended };
}

/** A process with a mark. */
export interface MarkedProcess {
  readonly pid: number;
  readonly commandLine: string;
}

/** The processes with a mark that still run. */
export function marked(mark: string): MarkedProcess[] {
  return readdirSync("/proc").flatMap((id) => {
    if (!/^\d+$/.test(id)) return [];
    try {
      if (!readFileSync(`/proc/${id}/environ`, "utf8").split("\0").includes(mark)) return [];
      const commandLine = readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ");
      return [{ pid: Number(id), commandLine }];
    } catch {
      // It has just ended, or it is another user's.
      return [];
    }
  });
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(10);
}

/** A folder with snapshots that give `sync` enough to do to be interrupted in the middle of it. */
export async function manyNotes(): Promise<string> {
  const folder = temporaryFolder();
  const notes = Array.from({ length: 20_000 }, (_, i) => ({
    id: `n${String(i).padStart(6, "0")}`,
    updatedAt: i,
    text: `${i} `.repeat(30),
  }));
  for (const device of ["phone", "laptop"])
    writeFileSync(
      join(folder, `${device}.idbsnap`),
      await deviceSnapshot({ device, capturedAt: 1, notes, blockBytes: 32_768 }),
    );
  return folder;
}

/** What a run has begun to write, or has written. */
export function written(output: string): string[] {
  return existsSync(output) ? readdirSync(output).filter((name) => /idbsnap|\.temp-|\.part/.test(name)) : [];
}
