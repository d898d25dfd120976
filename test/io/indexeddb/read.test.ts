import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { IDBKeyRange } from "fake-indexeddb";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  counter,
  counterFamily,
  create,
  type PCollection,
  type PipelineMetrics,
  runDirect,
  type Root,
} from "../../../beam/index.js";
import { ReadBlocks } from "../../../io/indexeddb/read-blocks.js";
import { localFileSystem } from "../../../io/file/local-file-system.js";
import {
  type FailedRecord,
  matchFiles,
  openSnapshot,
  readAllFromIndexedDB,
  readFromIndexedDB,
  type ReadFromIndexedDBOptions,
  readMatches,
} from "../../../io/index.js";
import { crc32, SnapshotRecord, SnapshotWriter } from "../../../snapshot/index.js";
import { assertElements, assertRecords } from "../../../testing/index.js";
import { deviceSnapshot, notesSchema } from "../../device-snapshot.js";
import { sampleSnapshot } from "../../snapshot/sample-snapshot.js";
import { temporaryFolder } from "../../temporary-folder.js";

afterEach(() => {
  vi.restoreAllMocks();
});

interface Note {
  readonly id: string;
  readonly text: string;
}

/** Text that does not compress, so that blocks on disk are about as large as their values. */
const textOf = (i: number) =>
  Array.from({ length: 24 }, (_, n) => Math.imul(i * 31 + n, 2654435761).toString(36)).join("");
const notesOf = (count: number, start = 0): Note[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `n${String(start + i).padStart(5, "0")}`,
    text: textOf(start + i),
  }));
const recordOf = (value: Note) =>
  SnapshotRecord.of({ database: "notes", store: "notes", key: value.id, value }) as SnapshotRecord;

async function notesFile(
  path: string,
  notes: readonly Note[],
  blockBytes = 4096,
  device = "phone",
): Promise<string> {
  writeFileSync(path, await deviceSnapshot({ device, capturedAt: 7, notes, blockBytes }));
  return path;
}

/** Runs a read and asserts what comes out of it. */
async function expectRead(
  source: (root: Root) => PCollection<SnapshotRecord>,
  expected: readonly SnapshotRecord[],
): Promise<PipelineMetrics> {
  const { metrics } = await runDirect((root) => {
    source(root).apply(assertRecords(expected));
  });
  return metrics;
}

describe("what is read", () => {
  test("every record with its origin and its file, by read, readAll and readMatches", async () => {
    const folder = temporaryFolder();
    const { bytes, summary, records } = await sampleSnapshot({ blockBytes: 1024, stores: 50 });
    const file = join(folder, "a.idbsnap");
    writeFileSync(file, bytes);
    const own = { device: "phone", snapshot: summary.id, capturedAt: 1_700_000_000_000, sequence: 0 };
    const expected = records.map((record) =>
      record.with({ origin: record.origin.snapshot === "" ? own : record.origin }),
    );
    const sources: ((root: Root) => PCollection<SnapshotRecord>)[] = [
      (root) => root.apply(readFromIndexedDB(file)),
      (root) => root.apply(create([file])).apply(readAllFromIndexedDB()),
      (root) => root.apply(matchFiles(join(folder, "*.idbsnap"))).apply(readMatches()),
    ];
    for (const source of sources) {
      await runDirect((root) => {
        const read = source(root);
        read.apply(assertRecords(expected, { origin: true }));
        read
          .map(({ source: path }) => path)
          .apply(assertElements<string | undefined>(expected.map(() => file)));
      });
    }
  });

  test("a file that two patterns match comes twice", async () => {
    const folder = temporaryFolder();
    const notes = notesOf(3);
    const file = await notesFile(join(folder, "a.idbsnap"), notes);
    const records = notes.map(recordOf);
    await expectRead(
      (root) => root.apply(create([file, join(folder, "*")])).apply(readAllFromIndexedDB()),
      [...records, ...records],
    );
  });

  test("values that nobody looks at are not decoded: damaged ones pass through untouched", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "a.idbsnap");
    const parts: Uint8Array[] = [];
    const writer = new SnapshotWriter(
      { write: (bytes) => void parts.push(bytes.slice()) },
      { database: notesSchema, origin: { device: "phone", capturedAt: 1 } },
    );
    const { keyBytes } = SnapshotRecord.of({ store: "notes", key: "a", value: 1 });
    const valueBytes = SnapshotRecord.of({ store: "notes", key: "a", value: ["x"] }).valueBytes!.slice();
    valueBytes[1] = 0x0f; // a reference to nothing
    await writer.add({ store: "notes", keyBytes, valueBytes });
    await writer.finish();
    writeFileSync(file, Buffer.concat(parts));
    await runDirect((root) => {
      const read = root.apply(readFromIndexedDB(file));
      read.map((record) => [...record.valueBytes!]).apply(assertElements([[...valueBytes]]));
    });
    await expect(
      runDirect((root) => root.apply(readFromIndexedDB(file)).map((record) => record.value)),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/^SNAPSHOT_/) as string,
      store: "notes",
      key: '"a"',
      file,
    });
  });
});

describe("splitting", () => {
  test("whatever the size of the blocks and of the pieces, the records are the same", async () => {
    const folder = temporaryFolder();
    const notes = notesOf(400);
    for (const blockBytes of [1024, 3000, 1 << 16]) {
      const file = await notesFile(join(folder, `${blockBytes}.idbsnap`), notes, blockBytes);
      await expectRead((root) => root.apply(readFromIndexedDB(file)), notes.map(recordOf));
    }
  });

  test("any two halves of the blocks of a file are the whole file", async () => {
    const folder = temporaryFolder();
    const notes = notesOf(150);
    await using snapshot = await openSnapshot(await notesFile(join(folder, "a.idbsnap"), notes, 1024));
    expect(snapshot.blocks.length).toBeGreaterThan(10);
    const blocks = await Promise.all(snapshot.blocks.map((block) => snapshot.readBlock(block)));
    for (let cut = 0; cut < snapshot.blocks.length; cut++) {
      const upper = snapshot.blocks[cut]!.firstKey;
      const key = blocks[cut]![0]!.key;
      const below = await count(snapshot.records({ keyRange: { upper: key, upperOpen: true } }));
      const above = await count(snapshot.records({ keyRange: { lower: key } }));
      expect([below + above, upper.length > 0]).toEqual([150, true]);
    }
  });

  test("many small files are read as one collection", async () => {
    const folder = temporaryFolder();
    const notes = notesOf(120);
    for (const [i, note] of notes.entries())
      await notesFile(join(folder, `${i}.idbsnap`), [note], 4096, `device ${i}`);
    await expectRead((root) => root.apply(readFromIndexedDB(join(folder, "*.idbsnap"))), notes.map(recordOf));
  });
});

async function count(records: AsyncIterable<unknown>): Promise<number> {
  let counted = 0;
  for await (const record of records) counted += record === undefined ? 0 : 1;
  return counted;
}

describe("pushdown", () => {
  test("only the blocks of a key range are read from the file, and the rest is counted as skipped", async () => {
    const folder = temporaryFolder();
    const notes = notesOf(4000);
    const file = await notesFile(join(folder, "a.idbsnap"), notes, 8192);
    const size = readFileSync(file).length;
    const read = spyOnReads();
    const range = { lower: "n02000", upper: "n02010" };
    const { counters } = await expectRead(
      (root) => root.apply(readFromIndexedDB(file, { keyRange: range })),
      notes.slice(2000, 2011).map(recordOf),
    );
    expect(counters.blocksSkipped).toBeGreaterThan(50);
    expect(counters.bytesSkipped).toBeGreaterThan(size / 2);
    expect(counters.bytesRead).toBeLessThan(size / 10);
    expect(counters["recordsRead/notes"]).toBe(11);
    expect(read.bytes).toBeLessThan(size / 4);
  });

  test("blocks of other object stores are not read", async () => {
    const folder = temporaryFolder();
    const { bytes, records } = await sampleSnapshot({ blockBytes: 1024, stores: 500 });
    const file = join(folder, "a.idbsnap");
    writeFileSync(file, bytes);
    const { counters } = await expectRead(
      (root) => root.apply(readFromIndexedDB(file, { stores: ["outbox"] })),
      records.filter(({ store }) => store === "outbox"),
    );
    expect(counters.blocksSkipped).toBeGreaterThan(10);
    expect(counters["recordsRead/notes"]).toBeUndefined();
  });

  test.each([
    ["both bounds", { lower: "n00003", upper: "n00005" }, 3, 6],
    ["open bounds", { lower: "n00003", upper: "n00005", lowerOpen: true, upperOpen: true }, 4, 5],
    ["no lower bound", { upper: "n00002" }, 0, 3],
    ["no upper bound", { lower: "n00097", lowerOpen: true }, 98, 100],
    ["an IDBKeyRange", IDBKeyRange.bound("n00010", "n00020", false, true), 10, 20],
    ["an IDBKeyRange of one key", IDBKeyRange.only("n00050"), 50, 51],
    ["keys that are not there", { lower: "o", upper: "p" }, 0, 0],
  ])("a range with %s", async (_, keyRange, from, to) => {
    const notes = notesOf(100);
    const file = await notesFile(join(temporaryFolder(), "a.idbsnap"), notes, 1024);
    await expectRead(
      (root) => root.apply(readFromIndexedDB(file, { keyRange })),
      notes.slice(from, to).map(recordOf),
    );
  });
});

/** Counts the bytes that are read from files. */
function spyOnReads(): { bytes: number } {
  const read = { bytes: 0 };
  const open = localFileSystem.open.bind(localFileSystem);
  vi.spyOn(localFileSystem, "open").mockImplementation(async (path) => {
    const source = await open(path);
    return {
      ...source,
      slice(start: number, end: number) {
        read.bytes += end - start;
        return source.slice(start, end);
      },
    };
  });
  return read;
}

describe("stores that a file does not have", () => {
  test("fail the job by default, with the names of those that there are", async () => {
    const file = await notesFile(join(temporaryFolder(), "a.idbsnap"), notesOf(1));
    const run = runDirect((root) => root.apply(readFromIndexedDB(file, { stores: ["Notes"] })));
    await expect(run).rejects.toMatchObject({ code: "SNAPSHOT_STORE_UNKNOWN", file, store: "Notes" });
    await expect(run).rejects.toThrow(/stores are: notes/);
  });

  test("are passed over with missingStores: ignore", async () => {
    const notes = notesOf(5);
    const file = await notesFile(join(temporaryFolder(), "a.idbsnap"), notes);
    const read = (stores: string[]) => (root: Root) =>
      root.apply(readFromIndexedDB(file, { stores, missingStores: "ignore" }));
    await expectRead(read(["notes", "drafts"]), notes.map(recordOf));
    await expectRead(read(["drafts"]), []);
  });
});

describe("patterns that match nothing", () => {
  test.each([
    ["DISALLOW", "*.idbsnap", true],
    ["DISALLOW", "a.idbsnap", true],
    ["ALLOW_IF_WILDCARD", "*.idbsnap", false],
    ["ALLOW_IF_WILDCARD", "a.idbsnap", true],
    ["ALLOW", "*.idbsnap", false],
    ["ALLOW", "a.idbsnap", false],
    [undefined, "*.idbsnap", true],
  ] as const)("emptyMatchTreatment %s for %s fails: %s", async (emptyMatchTreatment, name, fails) => {
    const pattern = join(temporaryFolder(), name);
    const noMatch = { code: "FILE_NO_MATCH", file: pattern };
    const running = runDirect((root) =>
      root
        .apply(readFromIndexedDB(pattern, { emptyMatchTreatment, validate: false }))
        .apply(assertRecords([])),
    );
    if (fails) {
      await expect(running).rejects.toMatchObject(noMatch);
      expect(() => readFromIndexedDB(pattern, { emptyMatchTreatment })).toThrow(
        expect.objectContaining(noMatch) as Error,
      );
    } else {
      await running;
      expect(() => readFromIndexedDB(pattern, { emptyMatchTreatment })).not.toThrow();
    }
  });

  test("readAll allows a wildcard to match nothing, but no missing file", async () => {
    const folder = temporaryFolder();
    const read = (pattern: string) =>
      runDirect((root) =>
        root
          .apply(create([pattern]))
          .apply(readAllFromIndexedDB())
          .apply(assertRecords([])),
      );
    await read(join(folder, "*.idbsnap"));
    await expect(read(join(folder, "a.idbsnap"))).rejects.toMatchObject({ code: "FILE_NO_MATCH" });
  });
});

describe("a publication that is not yet complete", () => {
  test("is completed before the files are matched, also when none of them has its name yet", async () => {
    const folder = temporaryFolder();
    const notes = notesOf(5);
    mkdirSync(join(folder, ".merged.temp-1"));
    await notesFile(join(folder, ".merged.temp-1/shard"), notes);
    const renames = [{ from: ".merged.temp-1/shard", to: "merged-00000-of-00001.idbsnap" }];
    const owner = { host: hostname(), pid: 2 ** 22 + 1 };
    writeFileSync(join(folder, ".merged.publication"), JSON.stringify({ renames, deletes: [], owner }));
    await expectRead(
      (root) => root.apply(readFromIndexedDB(join(folder, "merged-*.idbsnap"))),
      notes.map(recordOf),
    );
  });
});

describe("files that can't be read", () => {
  async function damagedFiles(folder: string): Promise<Record<string, string>> {
    const good = readFileSync(await notesFile(join(folder, "good.idbsnap"), notesOf(200), 2048));
    const newer = Buffer.from(good);
    const trailer = newer.subarray(-24);
    newer.writeUInt32LE(99, 8);
    trailer.writeUInt32LE(99, 8);
    trailer.writeUInt32LE(crc32(trailer.subarray(0, 12)), 12);
    const files: Record<string, [string, Uint8Array]> = {
      "text.idbsnap": [
        "SNAPSHOT_BAD_MAGIC",
        Buffer.from("these are my notes, as plain text, and no snapshot at all. ".repeat(9)),
      ],
      "empty.idbsnap": ["SNAPSHOT_EMPTY", Buffer.alloc(0)],
      "newer.idbsnap": ["SNAPSHOT_VERSION_UNSUPPORTED", newer],
      "cut.idbsnap": ["SNAPSHOT_TRUNCATED", good.subarray(0, good.length >> 1)],
    };
    for (const [name, [, bytes]] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    return Object.fromEntries(Object.entries(files).map(([name, [code]]) => [name, code]));
  }

  test("fail the job with their code and file", async () => {
    const folder = temporaryFolder();
    for (const [name, code] of Object.entries(await damagedFiles(folder))) {
      const file = join(folder, name);
      await expect(runDirect((root) => root.apply(readFromIndexedDB(file)))).rejects.toMatchObject({
        code,
        file,
      });
    }
  });

  test("go to the error handler, and all others are read", async () => {
    const folder = temporaryFolder();
    const codes = await damagedFiles(folder);
    const expected = Object.entries(codes).map(([name, code]) => `${code} ${join(folder, name)}`);
    const { metrics } = await runDirect((root) => {
      root
        .apply(readFromIndexedDB(join(folder, "*.idbsnap"), { errorHandler: expecting(expected) }))
        .apply(assertRecords(notesOf(200).map(recordOf)));
    });
    expect(metrics.counters.readFailures).toBe(4);
  });

  test("one damaged block is one dead letter with its offset, and the other blocks are read", async () => {
    const folder = temporaryFolder();
    const notes = notesOf(300);
    const file = await notesFile(join(folder, "a.idbsnap"), notes, 2048);
    const { block, keys } = await blockInTheMiddle(file);
    const bytes = readFileSync(file);
    bytes[block.offset + 100]! ^= 1;
    writeFileSync(file, bytes);
    const { metrics } = await runDirect((root) => {
      const errorHandler = expecting([`SNAPSHOT_CHECKSUM_MISMATCH ${file}`]);
      root
        .apply(readFromIndexedDB(file, { errorHandler }))
        .apply(assertRecords(notes.filter(({ id }) => !keys.has(id)).map(recordOf)));
    });
    expect(metrics.counters.readFailures).toBe(1);
    await expect(runDirect((root) => root.apply(readFromIndexedDB(file)))).rejects.toMatchObject({
      code: "SNAPSHOT_CHECKSUM_MISMATCH",
      file,
      offset: block.offset,
    });
  });

  test("a file that is replaced between planning and reading is told, not mixed", async () => {
    const folder = temporaryFolder();
    const file = await notesFile(join(folder, "a.idbsnap"), notesOf(50));
    await using planned = await openSnapshot(file);
    const stat = (await localFileSystem.stat(file))!;
    const task = { file: stat, snapshot: planned.summary.id, blocks: [0] };
    await notesFile(file, notesOf(50, 100));
    const context = { records: counterFamily("r"), bytes: counter("b"), failures: counter("f") };
    await expect(new ReadBlocks(undefined).process(task, context)).rejects.toMatchObject({
      code: "FILE_READ_FAILED",
      file,
    });
  });
});

function expecting(expected: readonly string[]): ReadFromIndexedDBOptions["errorHandler"] {
  return (failed: PCollection<FailedRecord>) => {
    failed.map(({ error, file }) => `${error.code} ${file}`).apply(assertElements(expected));
  };
}

async function blockInTheMiddle(file: string) {
  await using snapshot = await openSnapshot(file);
  const block = snapshot.blocks[snapshot.blocks.length >> 1]!;
  const keys = new Set((await snapshot.readBlock(block)).map(({ key }) => key as string));
  return { block, keys };
}

describe("wrong options are refused while the pipeline is built", () => {
  test.each([
    [{ stores: [] }, /stores/],
    [{ stores: "notes" }, /stores/],
    [{ stores: [1] }, /stores/],
    [{ keyRange: { lower: 2, upper: 1 } }, /range/],
    [{ missingStores: "skip" }, /missingStores/],
    [{ emptyMatchTreatment: "allow" }, /emptyMatchTreatment/],
    [{ errorHandler: "log" }, /errorHandler/],
    [{ validate: "no" }, /validate/],
    [{ store: "notes" }, /store/],
  ])("%o", (options, message) => {
    const wrong = options as ReadFromIndexedDBOptions;
    for (const build of [
      () => readFromIndexedDB("a*", wrong),
      () => readAllFromIndexedDB(wrong),
      () => readMatches(wrong),
    ]) {
      expect(build).toThrow(TypeError);
      expect(build).toThrow(message);
    }
  });

  test.each([undefined, "", 5, ["a"]])("the pattern %o", (pattern) => {
    expect(() => readFromIndexedDB(pattern as string)).toThrow(TypeError);
  });

  test("a bound that is no key", () => {
    expect(() => readAllFromIndexedDB({ keyRange: { lower: {} } })).toThrow(
      expect.objectContaining({ code: "SNAPSHOT_KEY_INVALID" }) as Error,
    );
  });

  test("a scheme that is not supported", () => {
    expect(() => readFromIndexedDB("ftp://host/*.idbsnap")).toThrow(/not supported/);
  });
});

test("reads of two sources keep apart", async () => {
  const folder = temporaryFolder();
  const [a, b] = [notesOf(3), notesOf(3, 10)];
  const files = [
    await notesFile(join(folder, "a.idbsnap"), a),
    await notesFile(join(folder, "b.idbsnap"), b),
  ];
  await runDirect((root) => {
    const [first, second] = files.map((file) => root.apply(readFromIndexedDB(file)));
    first!.apply(assertRecords(a.map(recordOf)));
    second!.apply(assertRecords(b.map(recordOf)));
  });
});
