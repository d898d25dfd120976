import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  create,
  flatten,
  P,
  type PCollection,
  type RecordGroup,
  runDirect,
  withName,
} from "../../../beam/index.js";
import { mergeMatches } from "../../../io/indexeddb/read-groups.js";
import {
  type FailedRecord,
  matchFiles,
  openSnapshot,
  readFromIndexedDB,
  readGroupsFromIndexedDB,
  type ReadGroupsOptions,
} from "../../../io/index.js";
import { toHex } from "../../../snapshot/index.js";
import { mergeDevices, mergeGroups } from "../../../transforms/index.js";
import { collect } from "../../beam/collect.js";
import { deviceSnapshot, notesSchema } from "../../device-snapshot.js";
import { temporaryFolder } from "../../temporary-folder.js";

interface Device {
  readonly device: string;
  readonly keys: readonly number[];
}

const noteOf = (device: string, key: number) => ({
  id: `n${String(key).padStart(5, "0")}`,
  text: `${device} ${"x".repeat((key * 37) % 700)}`,
});

async function writeDevices(
  folder: string,
  devices: readonly Device[],
  database?: (device: string) => string,
): Promise<void> {
  for (const { device, keys } of devices) {
    const notes = [...new Set(keys)].sort((a, b) => a - b).map((key) => noteOf(device, key));
    writeFileSync(
      join(folder, `${device}.idbsnap`),
      await deviceSnapshot({
        device,
        capturedAt: 7,
        notes,
        blockBytes: 1024,
        ...(database ? { schema: { ...notesSchema, name: database(device) } } : {}),
      }),
    );
  }
}

function expectedGroups(devices: readonly Device[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { keys } of devices)
    for (const key of new Set(keys)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

async function groupsOf(
  folder: string,
  limits = { rangeBytes: 2048, maxInputs: 256 },
  options: ReadGroupsOptions = {},
): Promise<RecordGroup[]> {
  return collect((root) =>
    root
      .apply(matchFiles(join(folder, "*.idbsnap")))
      .apply(mergeMatches(options, options.byDatabase ?? false, limits)),
  );
}

const devicesArbitrary = fc.array(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 120 }), {
  minLength: 1,
  maxLength: 6,
});

describe("groups of sorted files", () => {
  test("whatever the files, the bounds of blocks and the number of inputs: each key once, with all of its records", async () => {
    await fc.assert(
      fc.asyncProperty(
        devicesArbitrary,
        fc.constantFrom(1, 600, 5000, 1 << 24),
        fc.constantFrom(1, 2, 256),
        async (keys, rangeBytes, maxInputs) => {
          const folder = temporaryFolder();
          const devices = keys.map((list, i) => ({ device: `d${i}`, keys: list }));
          await writeDevices(folder, devices);
          const groups = await groupsOf(folder, { rangeBytes, maxInputs });
          const counts = expectedGroups(devices);
          expect(groups.length).toBe(counts.size);
          expect(new Set(groups.map(({ key }) => toHex(key.keyBytes))).size).toBe(counts.size);
          for (const { records } of groups) {
            const { id } = records[0]!.value as { id: string };
            expect(records.length).toBe(counts.get(Number(id.slice(1))));
            for (const record of records)
              expect(record.value).toEqual(noteOf(record.origin.device, Number(id.slice(1))));
          }
        },
      ),
      { numRuns: 40, seed: 11 },
    );
  });

  test("the groups and the merge are those of a shuffle", async () => {
    const folder = temporaryFolder();
    const range = (from: number, count: number, step: number) =>
      Array.from({ length: count }, (_, i) => from + i * step);
    await writeDevices(folder, [
      { device: "a", keys: range(0, 900, 1) },
      { device: "b", keys: range(300, 300, 3) },
      { device: "c", keys: range(100, 200, 7) },
    ]);
    const pattern = join(folder, "*.idbsnap");
    const merged = await collect((root) =>
      root.apply(readGroupsFromIndexedDB(pattern, { byDatabase: true })).apply(mergeGroups({ by: "text" })),
    );
    const shuffled = await collect((root) =>
      root.apply(readFromIndexedDB(pattern)).apply(mergeDevices({ by: "text" })),
    );
    const lines = (records: typeof merged) =>
      records.map(({ keyBytes, valueBytes, origin }) => [toHex(keyBytes), toHex(valueBytes!), origin.device]);
    expect(lines(merged)).toEqual(lines(shuffled).sort(([a], [b]) => (a! < b! ? -1 : 1)));
  });

  test("a key range is read from the blocks that hold it", async () => {
    const folder = temporaryFolder();
    const keys = Array.from({ length: 500 }, (_, i) => i);
    await writeDevices(folder, [
      { device: "a", keys },
      { device: "b", keys },
    ]);
    const options = { keyRange: { lower: "n00100", upper: "n00110", upperOpen: true } };
    const { metrics } = await runDirect((root) =>
      root.apply(readGroupsFromIndexedDB(join(folder, "*"), options)).map(({ records }) => records.length),
    );
    const groups = await groupsOf(folder, undefined, options);
    expect(groups.map(({ records }) => records.length)).toEqual(Array(10).fill(2));
    expect(metrics.counters["recordsRead/notes"]).toBe(20);
    expect(metrics.counters.blocksSkipped).toBeGreaterThan(100);
  });

  test("what is read is counted once, however many ranges a block touches", async () => {
    const folder = temporaryFolder();
    await writeDevices(folder, [{ device: "a", keys: Array.from({ length: 700 }, (_, i) => i) }]);
    const reader = await openSnapshot(join(folder, "a.idbsnap"));
    const stored = reader.blocks.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    await reader.close();
    for (const rangeBytes of [1, 1500, 1 << 24]) {
      const { metrics } = await runDirect((root) =>
        root
          .apply(matchFiles(join(folder, "*")))
          .apply(mergeMatches({}, false, { rangeBytes, maxInputs: 256 }))
          .map(({ records }) => records.length),
      );
      expect(metrics.counters).toMatchObject({ "recordsRead/notes": 700, bytesRead: stored });
    }
  });

  test("databases of different names are kept apart only when asked for", async () => {
    const folder = temporaryFolder();
    await writeDevices(
      folder,
      [
        { device: "a", keys: [1, 2] },
        { device: "b", keys: [2, 3] },
      ],
      (device) => `db ${device}`,
    );
    expect((await groupsOf(folder, undefined, { byDatabase: true })).length).toBe(4);
    expect((await groupsOf(folder, undefined, { byDatabase: false })).length).toBe(3);
    expect((await groupsOf(folder, { rangeBytes: 1, maxInputs: 1 }, { byDatabase: true })).length).toBe(4);
  });

  test("a damaged block is one failed record, and the rest is read", async () => {
    const folder = temporaryFolder();
    const keys = Array.from({ length: 600 }, (_, i) => i);
    await writeDevices(folder, [
      { device: "a", keys },
      { device: "b", keys },
    ]);
    const path = join(folder, "b.idbsnap");
    const reader = await openSnapshot(path);
    const block = reader.blocks[3]!;
    await reader.close();
    const bytes = readFileSync(path);
    bytes[block.offset + 90]! ^= 0xff;
    writeFileSync(path, bytes);
    for (const rangeBytes of [1, 1 << 24]) {
      let failed!: PCollection<FailedRecord>;
      const lines = await collect((root) => {
        const groups = root.apply(matchFiles(join(folder, "*"))).apply(
          mergeMatches({ errorHandler: (failures) => void (failed = failures) }, false, {
            rangeBytes,
            maxInputs: 256,
          }),
        );
        const counts: PCollection<number | string> = groups.map(({ records }) => records.length);
        const failures = failed.map(({ error, file }) => `${error.code} ${file}`);
        return P([counts, failures]).apply(withName("all", flatten<number | string>()));
      });
      expect(lines.filter((line) => typeof line === "string")).toEqual([
        `SNAPSHOT_CHECKSUM_MISMATCH ${path}`,
      ]);
      const counts = lines.filter((line) => typeof line === "number");
      expect(counts.length).toBe(600);
      expect(counts.filter((count) => count === 1).length).toBe(block.count);
    }
    await expect(groupsOf(folder)).rejects.toMatchObject({
      code: "SNAPSHOT_CHECKSUM_MISMATCH",
      file: path,
    });
  });

  test("nothing that matches is nothing to group", async () => {
    const folder = temporaryFolder();
    const groups = await collect((root) =>
      root.apply(readGroupsFromIndexedDB(join(folder, "*.idbsnap"), { emptyMatchTreatment: "ALLOW" })),
    );
    expect(groups).toEqual([]);
  });

  test.each<[what: string, pattern: unknown, options: object]>([
    ["no pattern", "", {}],
    ["an unknown option", "a.idbsnap", { store: "notes" }],
    ["byDatabase that is no boolean", "a.idbsnap", { byDatabase: "yes" }],
    ["stores that are no list", "a.idbsnap", { stores: "notes" }],
  ])("%s is refused while the pipeline is built", async (_what, pattern, options) => {
    await expect(
      runDirect((root) => root.apply(readGroupsFromIndexedDB(pattern as string, options))),
    ).rejects.toThrow(TypeError);
    await runDirect((root) => root.apply(create([1])));
  });
});
