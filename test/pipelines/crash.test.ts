import type { ChildProcess } from "node:child_process";
import { cpSync, type FSWatcher, mkdirSync, rmSync, watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { temporaryFolder } from "../temporary-folder.js";
import {
  endOf,
  finalFiles,
  litterIn,
  makeDevices,
  rowsOf,
  settledFiles,
  snapshotsOf,
  startSync,
} from "./sync-process.js";

/** A generator of numbers from 0 to 1, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** At every change of the folder: looks at what is visible under final names. Ends the run at the given change. */
function watchOutput(folder: string, child: ChildProcess, killAtChange: number, see: () => void): FSWatcher {
  let changes = 0;
  return watch(folder, () => {
    see();
    if (++changes === killAtChange) child.kill("SIGKILL");
  });
}

const kills = 50;

test(
  `${kills} runs killed at random points leave the old result or the new one each, and a rerun gives the undisturbed one`,
  { timeout: 600_000 },
  async () => {
    const folder = temporaryFolder();
    const before = await makeDevices(join(folder, "before"), "old", 1);
    const after = await makeDevices(join(folder, "after"), "new", 2);
    const [old, undisturbed] = [join(folder, "old"), join(folder, "undisturbed")];
    expect(await endOf(startSync(before, old, 3))).toMatchObject({ code: 0 });
    cpSync(old, undisturbed, { recursive: true });
    const startedAt = performance.now();
    expect(await endOf(startSync(after, undisturbed, 2))).toMatchObject({ code: 0 });
    let usual = performance.now() - startedAt;
    const [oldFiles, newFiles] = [finalFiles(old), finalFiles(undisturbed)];
    const [oldShards, newShards] = [snapshotsOf(oldFiles), snapshotsOf(newFiles)];
    expect([Object.keys(oldShards).length, Object.keys(newShards).length]).toEqual([3, 2]);

    const out = join(folder, "out");
    cpSync(old, out, { recursive: true });
    const random = seeded(7);
    let killed = 0;
    const halfWritten = new Set<string>();
    const see = (): void => {
      for (const [name, content] of Object.entries(finalFiles(out)))
        if (content !== oldFiles[name] && content !== newFiles[name]) halfWritten.add(name);
    };
    // A run that ends before its signal is none of the fifty; it tells how long a run takes now.
    for (let attempt = 0; killed < kills && attempt < 3 * kills; attempt++) {
      // Every other run is killed while it changes the folder, the others whenever the clock says.
      const byChange = attempt % 2 === 0;
      const killAtChange = byChange ? 1 + Math.floor(random() * 20) : Infinity;
      const after1 = usual * (byChange ? 2 : 0.25 + 0.75 * random());
      const started = performance.now();
      const child = startSync(after, out, 2);
      const end = endOf(child);
      const watcher = watchOutput(out, child, killAtChange, see);
      const timer = new AbortController();
      await Promise.race([end, delay(after1, undefined, { signal: timer.signal }).catch(() => undefined)]);
      timer.abort();
      child.kill("SIGKILL");
      const { code } = await end;
      watcher.close();
      if (code === null) killed++;
      else usual = performance.now() - started;
      see();
      const left = snapshotsOf(await settledFiles(out));
      expect([oldShards, newShards]).toContainEqual(left);
      rowsOf(out);
      if (Object.keys(left).length === 3) continue;
      // The next run must have something to replace again; what this one left beside the result stays.
      for (const name of Object.keys(newFiles)) rmSync(join(out, name), { force: true });
      cpSync(old, out, { recursive: true });
    }
    expect(killed).toBe(kills);
    expect([...halfWritten]).toEqual([]);
    expect(await endOf(startSync(after, out, 2))).toMatchObject({ code: 0 });
    expect(finalFiles(out)).toEqual(newFiles);
    expect(rowsOf(out)).toEqual(rowsOf(undisturbed));
    expect(litterIn(out)).toEqual([]);
  },
);

test(
  "two runs that write one output at the same time leave one whole result, and none fails without a code",
  { timeout: 180_000 },
  async () => {
    const folder = temporaryFolder();
    const a = await makeDevices(join(folder, "a"), "a", 1);
    const b = await makeDevices(join(folder, "b"), "b", 1);
    const alone = [join(folder, "alone a"), join(folder, "alone b")] as const;
    expect(await endOf(startSync(a, alone[0], 3))).toMatchObject({ code: 0 });
    expect(await endOf(startSync(b, alone[1], 2))).toMatchObject({ code: 0 });
    const results = alone.map(finalFiles);
    for (const lead of [0, 30, 150]) {
      const out = join(folder, `out ${lead}`);
      mkdirSync(out);
      const first = endOf(startSync(a, out, 3));
      await delay(lead);
      const ends = await Promise.all([first, endOf(startSync(b, out, 2))]);
      for (const { code, said } of ends)
        if (code !== 0) expect(said).toMatch(/^beam-indexeddb: (FILE|STORE)_[A-Z_]+: /);
      expect(ends.some(({ code }) => code === 0)).toBe(true);
      const left = await settledFiles(out);
      expect(results.map(snapshotsOf)).toContainEqual(snapshotsOf(left));
      expect(results.map((files) => files["summary.json"])).toContain(left["summary.json"]);
      // Of versions that are equally new either may stay, row by row.
      expect(rowsOf(out)).toHaveLength(rowsOf(alone[0]).length);
      expect(litterIn(out)).toEqual([]);
    }
  },
);
