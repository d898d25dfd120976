import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openSnapshot, readFromIndexedDB } from "../../../io/index.js";
import { runDirect } from "../../../beam/index.js";
import { deviceSnapshot } from "../../device-snapshot.js";
import { temporaryFolder } from "../../temporary-folder.js";

const bin = fileURLToPath(new URL("../../../dist/cli/bin.js", import.meta.url));

function sync(input: string, output: string, numShards: number): ChildProcess {
  const options = [`--input=${join(input, "*.idbsnap")}`, `--output=${output}`, `--numShards=${numShards}`];
  return spawn(process.execPath, [bin, "run", "sync", ...options], { stdio: "ignore" });
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

/** Snapshots of two devices, about 2 MB together. */
async function devices(folder: string, text: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (const device of ["phone", "laptop"]) {
    const notes = Array.from({ length: 2500 }, (_, i) => ({
      id: `${i % 2 === 0 ? device : "both"} ${String(i).padStart(5, "0")}`,
      updatedAt: i,
      text: `${text} ${device} ${Math.imul(i, 2654435761)}`.repeat(12),
    }));
    writeFileSync(
      join(folder, `${device}.idbsnap`),
      await deviceSnapshot({ device, capturedAt: 1, notes, blockBytes: 32_768 }),
    );
  }
  return folder;
}

const resultNames = (folder: string) =>
  readdirSync(folder)
    .filter((name) => /^merged-\d/.test(name))
    .sort();

function bytesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    resultNames(folder).map((name) => [name, readFileSync(join(folder, name)).toString("base64")]),
  );
}

/** What a reader of ours finds: it completes a publication that was interrupted, and every file must be whole. */
async function settledResult(folder: string): Promise<Record<string, string>> {
  await runDirect((root) => {
    root.apply(readFromIndexedDB(join(folder, "merged-*.idbsnap")));
  });
  for (const name of resultNames(folder)) {
    await using snapshot = await openSnapshot(join(folder, name));
    await snapshot.verify();
  }
  return bytesOf(folder);
}

/** A generator of numbers from 0 to 1, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

test(
  "a run that is killed at any point leaves the old result or the new one, and a rerun gives the undisturbed one",
  { timeout: 240_000 },
  async () => {
    const folder = temporaryFolder();
    const [before, after] = [
      await devices(join(folder, "before"), "old"),
      await devices(join(folder, "after"), "new"),
    ];
    const old = join(folder, "old");
    const undisturbed = join(folder, "undisturbed");
    expect(await exitOf(sync(before, old, 3))).toBe(0);
    const startedAt = performance.now();
    expect(await exitOf(sync(after, undisturbed, 2))).toBe(0);
    const duration = performance.now() - startedAt;
    const [oldResult, newResult] = [bytesOf(old), bytesOf(undisturbed)];
    expect([Object.keys(oldResult).length, Object.keys(newResult).length]).toEqual([3, 2]);

    const out = join(folder, "out");
    cpSync(old, out, { recursive: true });
    const random = seeded(7);
    let killed = 0;
    let usual = duration;
    // A run that ends before its signal is none of the twelve; it tells how long a run takes now.
    for (let attempt = 0; killed < 12 && attempt < 40; attempt++) {
      const started = performance.now();
      const child = sync(after, out, 2);
      await Promise.race([delay(usual * (0.25 + 0.75 * random())), exitOf(child)]);
      child.kill("SIGKILL");
      if ((await exitOf(child)) === null) killed++;
      else usual = performance.now() - started;
      const result = await settledResult(out);
      expect([oldResult, newResult]).toContainEqual(result);
      if (Object.keys(result).length === 3) continue;
      for (const name of Object.keys(newResult)) rmSync(join(out, name));
      cpSync(old, out, { recursive: true });
    }
    expect(killed).toBe(12);
    expect(await exitOf(sync(after, out, 2))).toBe(0);
    expect(bytesOf(out)).toEqual(newResult);
    expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
  },
);

test(
  "two runs that write one output at the same time leave one whole result",
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder();
    const [a, b] = [await devices(join(folder, "a"), "a"), await devices(join(folder, "b"), "b")];
    const out = join(folder, "out");
    expect(await exitOf(sync(a, join(folder, "alone a"), 3))).toBe(0);
    expect(await exitOf(sync(b, join(folder, "alone b"), 2))).toBe(0);
    await Promise.all([exitOf(sync(a, out, 3)), exitOf(sync(b, out, 2))]);
    expect([bytesOf(join(folder, "alone a")), bytesOf(join(folder, "alone b"))]).toContainEqual(
      await settledResult(out),
    );
  },
);
