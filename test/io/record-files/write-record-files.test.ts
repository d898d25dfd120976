import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  readFromJsonLines,
  writeToAvro,
  writeToCsv,
  writeToJsonLines,
  writeToParquet,
} from "../../../io/index.js";
import { nameSets } from "../../../io/record-files/publish-record-files.js";
import { storeId } from "../../../io/table/store-statistics.js";
import { runDirect } from "../../../beam/index.js";
import { assertRecords } from "../../../testing/index.js";
import { SnapshotRecord } from "../../../snapshot/index.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { filesIn, origin, put, tombstone, writeRecords } from "./written-records.js";

const sinks = {
  "JSON Lines, plain": { write: writeToJsonLines, options: {}, suffix: ".jsonl" },
  "JSON Lines, typed": { write: writeToJsonLines, options: { form: "typed" }, suffix: ".jsonl" },
  "JSON Lines, changes": { write: writeToJsonLines, options: { form: "changes" }, suffix: ".jsonl" },
  CSV: { write: writeToCsv, options: {}, suffix: ".csv" },
  Parquet: { write: writeToParquet, options: {}, suffix: ".parquet" },
  Avro: { write: writeToAvro, options: {}, suffix: ".avro" },
} as const;

describe.each(Object.entries(sinks))("%s", (_, { write, options, suffix }) => {
  const sink = write;

  test("the same records give the same bytes, in any order and any bundles, sorted in memory or on disk", async () => {
    const records = Array.from({ length: 300 }, (_, i) => put(i, { n: i, text: "x".repeat(i % 50) }));
    const shuffled = records.toSorted(
      (a, b) => ((Number(a.key) * 7919) % 300) - ((Number(b.key) * 7919) % 300),
    );
    const contents: Record<string, string>[] = [];
    for (const [bundles, memoryBytes] of [
      [[records], 64 << 20],
      [[shuffled.slice(0, 100), shuffled.slice(100)], 64 << 20],
      [[shuffled], 1024],
    ] as const) {
      const folder = temporaryFolder();
      await writeRecords(bundles, sink(`${folder}/`, { ...options, numShards: 3, memoryBytes }));
      const files = filesIn(folder);
      expect(files).toEqual([0, 1, 2].map((i) => `notes-0000${i}-of-00003${suffix}`));
      contents.push(
        Object.fromEntries(files.map((file) => [file, readFileSync(join(folder, file), "latin1")])),
      );
    }
    expect(contents[1]).toEqual(contents[0]);
    expect(contents[2]).toEqual(contents[0]);
  });

  test("a store has files of its own, and so has a store of another database", async () => {
    const folder = temporaryFolder();
    const stores = [
      put(1, { a: 1 }, origin(1), "notes", "app"),
      put(1, { a: 1 }, origin(1), "notes", "other"),
      put(1, { a: 1 }, origin(1), "../tags", "app"),
      put(1, { a: 1 }, origin(1), "con", "app"),
    ];
    await writeRecords([stores], sink(join(folder, "all"), options));
    expect(filesIn(folder)).toEqual(
      ["%002e.%002ftags", "%0063%006f%006e", "app__notes", "other__notes"].map(
        (name) => `all-${name}-00000-of-00001${suffix}`,
      ),
    );
  });

  test("files of an earlier result with another count go, others stay", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, `notes-old${suffix}`), "another's");
    const records = [put(1, { a: 1 }), put(2, { a: 2 })];
    await writeRecords([records], sink(`${folder}/`, { ...options, numShards: 2 }));
    await writeRecords([records], sink(`${folder}/`, options));
    expect(filesIn(folder)).toEqual([`notes-00000-of-00001${suffix}`, `notes-old${suffix}`]);
  });

  test("a record that can't be written goes to the dead letters, and is counted", async () => {
    let deep: unknown = 1;
    for (let level = 0; level < 600; level++) deep = [deep];
    const folder = temporaryFolder();
    const { counters } = await writeRecords(
      [[put(1, { deep }), put(2, { a: 1 })]],
      sink(`${folder}/`, { ...options, onError: "failedRecords" } as never),
      [{ store: "notes", code: "SNAPSHOT_LIMIT_EXCEEDED" }],
    );
    const name = suffix.slice(1);
    expect(counters).toMatchObject({
      [`${name}/recordsWritten/notes`]: 1,
      [`${name}/failedRecords/notes`]: 1,
    });
    await expect(
      writeRecords([[put(1, { deep })]], sink(`${temporaryFolder()}/`, options as never)),
    ).rejects.toMatchObject({ code: "SNAPSHOT_LIMIT_EXCEEDED", store: "notes" });
  });

  test("no records are no files", async () => {
    const folder = temporaryFolder();
    await writeRecords([[]], sink(`${folder}/`, options));
    expect(filesIn(folder)).toEqual([]);
  });

  test("wrong options are told while the pipeline is built", () => {
    expect(() => sink("")).toThrow(TypeError);
    expect(() => sink("out/", { numShard: 2 } as never)).toThrow("numShards");
    expect(() => sink("out/", { numShards: -1 })).toThrow("from 0 to");
    expect(() => sink("https://example.com/out/")).toThrow("only read");
    expect(() => sink("ftp://host/out/")).toThrow(TypeError);
    expect(() => sink("out/", { shardNameTemplate: "/S" })).toThrow("slash");
    expect(() => sink("out/", { shardNameTemplate: "", numShards: 2 })).toThrow("has no S");
    expect(() => sink("out/", { deletes: "never" } as never)).toThrow('"soft" or "hard"');
    expect(() => sink("out/", { versionBy: "" })).toThrow("versionBy");
  });
});

describe("of several records for a key", () => {
  const versions = [
    put(1, { a: "old" }, origin(1000)),
    put(1, { a: "new" }, origin(3000, "tablet")),
    tombstone(1, origin(2000)),
    put(2, { a: "gone" }, origin(1000)),
    tombstone(2, origin(2000)),
    put(3, { a: "late", at: 1 }, origin(9000)),
    put(3, { a: "early", at: 5 }, origin(1000)),
  ];
  const read = async (folder: string, expected: readonly SnapshotRecord[]): Promise<void> => {
    await runDirect((root) => {
      root.apply(readFromJsonLines(`${folder}/*.jsonl`)).apply(assertRecords(expected, { origin: true }));
    });
  };

  test("the newest is written, deletions as deletions", async () => {
    const folder = temporaryFolder();
    await writeRecords(
      [versions.slice(0, 3), versions.slice(3)],
      writeToJsonLines(`${folder}/`, { form: "typed" }),
    );
    await read(folder, [versions[1]!, versions[4]!, versions[5]!]);
  });

  test("the newest is what versionBy says, and hard deletion leaves no line", async () => {
    const folder = temporaryFolder();
    await writeRecords(
      [versions],
      writeToJsonLines(`${folder}/`, { form: "typed", versionBy: "at", deletes: "hard" }),
    );
    // A deletion has no time of its own: it counts from its capture on, and a record without one is older than any.
    await read(folder, [versions[6]!]);
  });
});

describe("files of several stores", () => {
  const stores = (...places: readonly (readonly [string, string])[]): SnapshotRecord[] =>
    places.map(([database, store]) => put(1, { from: `${database}/${store}` }, origin(1), store, database));
  const write = async (folder: string, records: readonly SnapshotRecord[], options = {}): Promise<void> => {
    await writeRecords([records], writeToJsonLines(`${folder}/`, { form: "typed", ...options }));
  };
  const readBack = async (folder: string, expected: readonly SnapshotRecord[]): Promise<void> => {
    await runDirect((root) => {
      root.apply(readFromJsonLines(`${folder}/*.jsonl`)).apply(assertRecords(expected));
    });
  };

  test("have names of their own, also when a store is called like another's file", async () => {
    const folder = temporaryFolder();
    const records = stores(["A", "notes"], ["B", "notes"], ["X", "A__notes"], ["Y", "A__NOTES"]);
    await write(folder, records);
    expect(filesIn(folder)).toHaveLength(4);
    await readBack(folder, records);
  });

  test("with a template that makes two names one are refused before anything is published", async () => {
    const folder = temporaryFolder();
    await expect(
      write(folder, stores(["d", "a"], ["d", "a1"]), { numShards: 12, shardNameTemplate: "S" }),
    ).rejects.toMatchObject({ code: "STORE_CONSTRAINT" });
    expect(filesIn(folder).filter((name) => name.endsWith(".jsonl"))).toEqual([]);
  });

  test("with very long names fit the system, and all appear", async () => {
    const folder = temporaryFolder();
    const long = "記".repeat(200);
    const records = stores(["a", "a"], [long, long], [`${long}2`, long], [`${long}2`, `${long}3`]);
    await write(folder, records);
    expect(Math.max(...filesIn(folder).map((name) => Buffer.byteLength(name)))).toBeLessThan(256);
    await readBack(folder, records);
  });

  test("a store whose name changes with the stores beside it leaves no old file", async () => {
    const folder = temporaryFolder();
    const [inA, inB] = stores(["A", "notes"], ["B", "notes"]) as [SnapshotRecord, SnapshotRecord];
    await write(folder, [inA]);
    expect(filesIn(folder)).toEqual(["notes-00000-of-00001.jsonl"]);
    await write(folder, [inA, inB]);
    await readBack(folder, [inA, inB]);
    await write(folder, [inA]);
    // B's stay: a store that has no records any more keeps its files.
    await readBack(folder, [inA, inB]);
  });

  test("thousands of them are named at once", () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => storeId("app", `store ${i}`));
    expect(new Set(nameSets(ids).values()).size).toBe(ids.length);
  });
});

describe("a record whose value can't be decoded", () => {
  const broken = (key: number, capturedAt: number): SnapshotRecord =>
    SnapshotRecord.fromBytes({
      database: "app",
      store: "notes",
      keyBytes: put(key, 1).keyBytes,
      valueBytes: Uint8Array.of(99, 1, 2),
      origin: origin(capturedAt),
    });

  test.each(Object.entries(sinks).filter(([, { suffix }]) => suffix !== ".avro"))(
    "goes to the dead letters, and the others are written: %s",
    async (_, { write, options, suffix }) => {
      const sink = write;
      // Typed lines and Avro's JSON decode what they write; so do columns.
      const { counters } = await writeRecords(
        [[broken(1, 1), put(2, { at: 1 }), broken(2, 5), put(3, { at: 2 })]],
        sink(`${temporaryFolder()}/`, { ...options, onError: "failedRecords", versionBy: "at" } as never),
        [
          { store: "notes", code: "SNAPSHOT_VERSION_UNSUPPORTED" },
          { store: "notes", code: "SNAPSHOT_VERSION_UNSUPPORTED" },
        ],
      );
      expect(counters[`${suffix.slice(1)}/recordsWritten/notes`]).toBe(2);
    },
  );
});

test("versions that are equal but for their snapshot give the same line in any order", async () => {
  const both = ["0a".repeat(32), "0b".repeat(32)].map((snapshot) => put(1, "x", { ...origin(1), snapshot }));
  const lines: string[] = [];
  for (const records of [both, both.toReversed()]) {
    const folder = temporaryFolder();
    await writeRecords([records], writeToJsonLines(`${folder}/`, { form: "typed" }));
    lines.push(readFileSync(join(folder, "notes-00000-of-00001.jsonl"), "utf8"));
  }
  expect(lines[0]).toBe(lines[1]);
});

test("names of files never meet, not even where case does not count", () => {
  const ids = [
    storeId("app", "notes"),
    storeId("app", "Notes"),
    storeId("APP", "notes"),
    storeId("app", "tags"),
    storeId("", "app__tags"),
  ];
  const names = nameSets(ids);
  expect(names.get(storeId("app", "tags"))).toBe("tags");
  const folded = [...names.values()].map((name) => name.toLowerCase());
  expect(new Set(folded).size).toBe(ids.length);
  expect(nameSets(ids.toReversed())).toEqual(names);
});
