import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  create,
  P,
  flatten,
  parDo,
  type PCollection,
  registerFunctions,
  type Root,
  runDirect,
  withName,
} from "../../../beam/index.js";
import {
  type FailedRecord,
  openAttachment,
  openSnapshot,
  readFromIndexedDB,
  type WriteToIndexedDBOptions,
  writeToIndexedDB,
  type WrittenFile,
} from "../../../io/index.js";
import { tempFolderFor } from "../../../io/file/temp-folder.js";
import { type DatabaseSchema, encodeSchema, SnapshotBlob, SnapshotRecord } from "../../../snapshot/index.js";
import { assertElements } from "../../../testing/index.js";
import { deviceSnapshot, notesSchema } from "../../device-snapshot.js";
import { sampleSnapshot } from "../../snapshot/sample-snapshot.js";
import { temporaryFolder } from "../../temporary-folder.js";

const note = (
  key: unknown,
  value: unknown,
  more: { database?: string; device?: string; store?: string } = {},
): SnapshotRecord =>
  SnapshotRecord.of({
    database: more.database ?? "notes",
    store: more.store ?? "notes",
    key,
    value,
    origin: { device: more.device ?? "phone", snapshot: "ab".repeat(32), capturedAt: 5, sequence: 2 },
  }) as SnapshotRecord;

const notesOf = (count: number, device = "phone") =>
  Array.from({ length: count }, (_, i) =>
    note(`n${i}`, { id: `n${i}`, text: "x".repeat(i % 50) }, { device }),
  );

/** Writes records and gives the names in the output folder. */
async function write(
  prefix: string,
  records: readonly SnapshotRecord[],
  options: WriteToIndexedDBOptions = {},
): Promise<string[]> {
  await runDirect((root) => {
    root.apply(create(records)).apply(writeToIndexedDB(prefix, { schema: notesSchema, ...options }));
  });
  return namesIn(prefix.endsWith("/") ? prefix : join(prefix, ".."));
}

const namesIn = (folder: string) => readdirSync(folder).sort();

async function read(path: string): Promise<SnapshotRecord[]> {
  await using snapshot = await openSnapshot(path);
  await snapshot.verify();
  const records: SnapshotRecord[] = [];
  for await (const record of snapshot.records()) records.push(record);
  return records;
}

async function failureOf(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => undefined,
    (caught: unknown) => caught as { code: string },
  );
  return error?.code ?? "none";
}

describe("shards", () => {
  test.each([
    [1, ["part-00000-of-00001.idbsnap"]],
    [3, ["part-00000-of-00003.idbsnap", "part-00001-of-00003.idbsnap", "part-00002-of-00003.idbsnap"]],
  ])("numShards %i gives %j", async (numShards, names) => {
    const folder = temporaryFolder();
    expect(await write(join(folder, "part"), notesOf(200), { numShards })).toEqual(names);
    const keys: unknown[] = [];
    for (const [index, name] of names.entries()) {
      keys.push(...(await read(join(folder, name))).map(({ key }) => key));
      await using snapshot = await openSnapshot(join(folder, name));
      expect(snapshot.header.shard).toMatchObject({ index, count: numShards });
      expect(snapshot.schema).toEqual(notesSchema);
    }
    expect(keys.sort()).toEqual(
      notesOf(200)
        .map(({ key }) => key)
        .sort(),
    );
  });

  test.each([
    [1 << 20, 1],
    [4000, 2],
    [1000, 8],
    [1, 64],
  ])("numShards 0 with %i bytes a shard gives %i of them", async (maxBytesPerShard, shards) => {
    const records = notesOf(150);
    const names = await write(join(temporaryFolder(), "part"), records, { numShards: 0, maxBytesPerShard });
    expect(names).toHaveLength(shards);
  });

  test.each([
    [{ shardNameTemplate: "" }, ["part.idbsnap"]],
    [{ fileNameSuffix: ".snap" }, ["part-00000-of-00001.snap"]],
    [{ shardNameTemplate: "_SS", numShards: 2 }, ["part_00.idbsnap", "part_01.idbsnap"]],
  ])("%o names them %j", async (options, names) => {
    expect(await write(join(temporaryFolder(), "part"), notesOf(5), options)).toEqual(names);
  });

  test.each([
    [3, 1],
    [1, 3],
    [0, 2],
  ])("a rerun with another number (%i, then %i) leaves none of the earlier", async (first, second) => {
    const folder = temporaryFolder();
    const prefix = join(folder, "part");
    await write(prefix, notesOf(60), { numShards: first, maxBytesPerShard: 500 });
    writeFileSync(join(folder, "part-of-something-else.idbsnap"), "mine");
    const names = await write(prefix, notesOf(40), { numShards: second });
    const shards = Array.from({ length: second }, (_, i) => `part-0000${i}-of-0000${second}.idbsnap`);
    expect(names).toEqual([...shards, "part-of-something-else.idbsnap"]);
  });

  test("the result tells the files, what is in them, and metrics", async () => {
    const prefix = join(temporaryFolder(), "part");
    const { metrics } = await runDirect((root) => {
      const { filesWritten, failedRecords } = root
        .apply(create(notesOf(30)))
        .apply(writeToIndexedDB(prefix, { schema: notesSchema, numShards: 2 }));
      filesWritten
        .apply(withName("tell", parDo(new Tell())))
        .apply(assertElements([0, 1].map((i) => `${prefix}-0000${i}-of-00002.idbsnap ${i} 2 notes`)));
      failedRecords.apply(assertElements<FailedRecord>([]));
    });
    expect(metrics.counters["recordsWritten/notes"]).toBe(30);
    expect(metrics.counters.bytesWritten).toBe(
      [0, 1].reduce((sum, i) => sum + readFileSync(`${prefix}-0000${i}-of-00002.idbsnap`).length, 0),
    );
  });
});

/** A travelling function of a record. */
function firstLetter(record: SnapshotRecord): string {
  return (record.value as { group: string }).group;
}

function notText(): string {
  return 5 as unknown as string;
}

function codeOf({ error }: FailedRecord): string {
  return error.code;
}

class Tell {
  *process({ file, shard, count, database }: WrittenFile): Generator<string> {
    yield `${file} ${shard} ${count} ${database}`;
  }
}

registerFunctions("beam-indexeddb-test/write", { firstLetter, notText, codeOf, Tell });

describe("destinations", () => {
  test("one snapshot a device", async () => {
    const records = [...notesOf(3, "phone"), ...notesOf(4, "lap/top")];
    const folder = temporaryFolder();
    expect(await write(`${folder}/`, records, { destination: "device" })).toEqual([
      "lap%002ftop-00000-of-00001.idbsnap",
      "phone-00000-of-00001.idbsnap",
    ]);
    await using snapshot = await openSnapshot(join(folder, "lap%002ftop-00000-of-00001.idbsnap"));
    expect([snapshot.header.origin.device, snapshot.summary.records]).toEqual(["lap/top", 4]);
  });

  test("one snapshot a database, each with its own schema", async () => {
    const folder = temporaryFolder();
    const schemas = ["a", "b"].map((name) => ({ ...notesSchema, name, version: name === "a" ? 1 : 7 }));
    await runDirect((root) => {
      const encoded = root.apply(withName("schemas", create(schemas.map(encodeSchema))));
      root
        .apply(create([note(1, 1, { database: "a" }), note(1, 2, { database: "b" })]))
        .apply(writeToIndexedDB(join(folder, "x"), { schema: encoded, destination: "database" }));
    });
    expect(namesIn(folder)).toEqual(["x-a-00000-of-00001.idbsnap", "x-b-00000-of-00001.idbsnap"]);
    await using snapshot = await openSnapshot(join(folder, "x-b-00000-of-00001.idbsnap"));
    expect(snapshot.schema).toEqual(schemas[1]);
  });

  test("names that a function gives stay names, whatever they are", async () => {
    const groups = ["plain", "", "../../up", "..", "/etc/passwd", "ü 日本", "a".repeat(400), "\ud800"];
    const folder = temporaryFolder();
    mkdirSync(join(folder, "out"));
    const names = await write(
      join(folder, "out/x"),
      groups.map((group, i) => note(i, { group })),
      { destination: firstLetter, shardNameTemplate: "" },
    );
    expect(names).toHaveLength(groups.length);
    expect(names).toContain("x-plain.idbsnap");
    expect(names).toContain("x.idbsnap");
    expect(namesIn(folder)).toEqual(["out"]);
    const found = await Promise.all(
      names.map(async (name) => (await read(join(folder, "out", name))).map(firstLetter)),
    );
    expect(found.flat().sort()).toEqual([...groups].sort());
  });

  test("a function that gives no name fails the job", async () => {
    const prefix = join(temporaryFolder(), "x");
    await expect(write(prefix, notesOf(1), { destination: notText })).rejects.toThrow(
      /gave a number for key/,
    );
  });
});

describe("the schema", () => {
  const withStores = (names: readonly string[], version = 1): DatabaseSchema => ({
    name: "notes",
    version,
    objectStores: names.map((name) => ({ name, keyPath: "id", autoIncrement: false, indexes: [] })),
  });

  async function mergeFiles(
    folder: string,
    schemas: readonly DatabaseSchema[],
    options: WriteToIndexedDBOptions = {},
  ): Promise<void> {
    for (const [i, schema] of schemas.entries()) {
      writeFileSync(
        join(folder, `${i}.idbsnap`),
        await deviceSnapshot({ device: `d${i}`, capturedAt: 1, notes: [{ id: `n${i}` }], schema }),
      );
    }
    await runDirect((root) => {
      root
        .apply(readFromIndexedDB(join(folder, "*.idbsnap")))
        .apply(writeToIndexedDB(join(folder, "out/x"), options));
    });
  }

  test("of several sources is their union", async () => {
    const folder = temporaryFolder();
    await mergeFiles(folder, [withStores(["notes", "old"], 1), withStores(["notes", "new"], 3)]);
    await using snapshot = await openSnapshot(join(folder, "out/x-00000-of-00001.idbsnap"));
    expect(snapshot.schema.version).toBe(3);
    expect(snapshot.schema.objectStores.map(({ name }) => name).sort()).toEqual(["new", "notes", "old"]);
  });

  test("also of two reads that are flattened", async () => {
    const folder = temporaryFolder();
    for (const [i, name] of ["x", "y"].entries()) {
      writeFileSync(
        join(folder, `${name}.idbsnap`),
        await deviceSnapshot({
          device: name,
          capturedAt: 1,
          notes: [{ id: name }],
          schema: withStores(["notes", name], i + 1),
        }),
      );
    }
    await runDirect((root) => {
      const [x, y] = ["x", "y"].map((name) => root.apply(readFromIndexedDB(join(folder, `${name}.idbsnap`))));
      P([x!, y!])
        .apply(flatten<SnapshotRecord>())
        .apply(writeToIndexedDB(join(folder, "out/x")));
    });
    await using snapshot = await openSnapshot(join(folder, "out/x-00000-of-00001.idbsnap"));
    expect([snapshot.schema.objectStores.length, snapshot.summary.records]).toEqual([3, 2]);
  });

  test("that is defined in two ways within one version is a conflict, which a given schema settles", async () => {
    const other: DatabaseSchema = {
      ...withStores(["notes"]),
      objectStores: [{ name: "notes", keyPath: null, autoIncrement: false, indexes: [] }],
    };
    const folder = temporaryFolder();
    expect(await failureOf(mergeFiles(folder, [withStores(["notes"]), other]))).toBe(
      "SNAPSHOT_SCHEMA_CONFLICT",
    );
    expect(existsSync(join(folder, "out/x-00000-of-00001.idbsnap"))).toBe(false);
    await mergeFiles(folder, [withStores(["notes"]), other], { schema: other });
    await using snapshot = await openSnapshot(join(folder, "out/x-00000-of-00001.idbsnap"));
    expect(snapshot.schema).toEqual(other);
  });

  test("must be given for records that come from elsewhere", async () => {
    const run = runDirect((root) => {
      root.apply(create(notesOf(1))).apply(writeToIndexedDB("never"));
    });
    await expect(run).rejects.toThrow(TypeError);
    await expect(run).rejects.toThrow(/schema: \{ name, version, objectStores \}/);
  });

  test("a database of which no schema is known", async () => {
    const records = [note(1, 1, { database: "other" })];
    const run = runDirect((root) => {
      const schemas = root.apply(
        withName("schemas", create(["a", "b"].map((name) => encodeSchema({ ...notesSchema, name })))),
      );
      root.apply(create(records)).apply(writeToIndexedDB(join(temporaryFolder(), "x"), { schema: schemas }));
    });
    expect(await failureOf(run)).toBe("SNAPSHOT_SCHEMA_MISSING");
  });

  test("records of several databases need a destination or one name for all", async () => {
    const folder = temporaryFolder();
    const records = [note(1, 1, { database: "a" }), note(2, 2, { database: "b" })];
    expect(await failureOf(write(join(folder, "x"), records))).toBe("SNAPSHOT_DATABASE_MIXED");
    await write(join(folder, "x"), records, { database: "both" });
    const written = await read(join(folder, "x-00000-of-00001.idbsnap"));
    expect(written.map(({ database, key }) => [database, key])).toEqual([
      ["both", 1],
      ["both", 2],
    ]);
  });

  test("a database that gets another name takes the schema of what it is made of", async () => {
    const folder = temporaryFolder();
    await mergeFiles(folder, [withStores(["notes"], 4)], { database: "renamed", device: "cloud" });
    await using snapshot = await openSnapshot(join(folder, "out/x-00000-of-00001.idbsnap"));
    expect([snapshot.schema.name, snapshot.schema.version, snapshot.header.origin.device]).toEqual([
      "renamed",
      4,
      "cloud",
    ]);
  });

  test("an empty input is an empty snapshot with the schema", async () => {
    const folder = temporaryFolder();
    await write(join(folder, "x"), []);
    await using snapshot = await openSnapshot(join(folder, "x-00000-of-00001.idbsnap"));
    await snapshot.verify();
    expect([snapshot.summary.records, snapshot.schema]).toEqual([0, notesSchema]);
  });
});

describe("records that can't be written", () => {
  const cases: [string, SnapshotRecord[], string][] = [
    ["a second one for a key", [note(1, "b"), note(1, "a"), note(2, "c")], "SNAPSHOT_DUPLICATE_KEY"],
    [
      "one of a store that the schema does not have",
      [note(1, "a"), note(2, "c"), note(3, "x", { store: "gone" })],
      "SNAPSHOT_STORE_UNKNOWN",
    ],
    [
      "one whose Blob names no content",
      [
        note(1, "a"),
        note(2, "c"),
        note(3, { picture: new SnapshotBlob({ sha256: new Uint8Array(32), size: 3, type: "" }) }),
      ],
      "SNAPSHOT_ATTACHMENT_MISSING",
    ],
  ];

  test.each(cases)("%s fails the job by default, and nothing appears", async (_, records, code) => {
    const folder = temporaryFolder();
    expect(await failureOf(write(join(folder, "x"), records))).toBe(code);
    expect(namesIn(folder).filter((name) => !name.startsWith("."))).toEqual([]);
  });

  test.each(cases)("%s goes to failedRecords, and the others are written", async (_, records, code) => {
    const folder = temporaryFolder();
    const { metrics } = await runDirect((root) => {
      const { failedRecords } = root
        .apply(create(records))
        .apply(writeToIndexedDB(join(folder, "x"), { schema: notesSchema, onError: "failedRecords" }));
      failedRecords.map(codeOf).apply(assertElements([code]));
    });
    expect(metrics.counters.writeFailures).toBe(1);
    expect((await read(join(folder, "x-00000-of-00001.idbsnap"))).map(({ value }) => value)).toEqual([
      "a",
      "c",
    ]);
  });
});

describe("what travels along", () => {
  test("content of Blobs, tombstones, origins and the sign of -0", async () => {
    const folder = temporaryFolder();
    const sample = await sampleSnapshot();
    writeFileSync(join(folder, "a.idbsnap"), sample.bytes);
    writeFileSync(
      join(folder, "b.idbsnap"),
      await deviceSnapshot({
        device: "b",
        capturedAt: 9,
        notes: [{ id: "z" }],
        schema: { ...sample.header.database },
      }),
    );
    await runDirect((root) => {
      root
        .apply(readFromIndexedDB(join(folder, "*.idbsnap")))
        .apply(writeToIndexedDB(join(folder, "out/x"), { numShards: 2 }));
    });
    const records = (
      await Promise.all([0, 1].map((i) => read(join(folder, `out/x-0000${i}-of-00002.idbsnap`))))
    ).flat();
    const at = (key: unknown) => records.find((record) => Object.is(record.key, key))!;
    expect(records).toHaveLength(8);
    expect(at(41)).toMatchObject({
      deleted: true,
      origin: { device: "laptop", snapshot: "ab".repeat(32), capturedAt: 9, sequence: 1 },
    });
    expect(at("z").origin).toMatchObject({ device: "b", capturedAt: 9 });
    expect(at("note 0000").origin).toEqual({
      device: "phone",
      snapshot: sample.summary.id,
      capturedAt: 1_700_000_000_000,
      sequence: 0,
    });
    expect(at(-0).store).toBe("outbox");
    const { picture } = at("note 0002").value as { picture: SnapshotBlob };
    const content = await openAttachment(picture);
    expect(Buffer.compare(await content.slice(0, content.size), sample.content.bytes)).toBe(0);
  });

  test("content that has gone since it was read has a code", async () => {
    const folder = temporaryFolder();
    const { records } = await sampleSnapshot();
    writeFileSync(
      join(folder, "other.idbsnap"),
      await deviceSnapshot({ device: "b", capturedAt: 9, notes: [] }),
    );
    const [withPicture] = records.filter(({ key }) => key === "note 0002");
    const from = (source: string) => SnapshotRecord.fromBytes({ ...parts(withPicture!), source });
    expect(await failureOf(write(join(folder, "x"), [from(join(folder, "other.idbsnap"))]))).toBe(
      "SNAPSHOT_ATTACHMENT_MISSING",
    );
    expect(await failureOf(write(join(folder, "x"), [from(join(folder, "gone.idbsnap"))]))).toBe(
      "FILE_NOT_FOUND",
    );
  });
});

const parts = ({ database, store, keyBytes, valueBytes, deleted, origin }: SnapshotRecord) => ({
  database,
  store,
  keyBytes,
  valueBytes,
  deleted,
  origin,
});

describe("the same bytes", () => {
  test("whatever the memory, the bundles and the order of the inputs", async () => {
    const folder = temporaryFolder();
    const records = [
      ...notesOf(600, "a"),
      ...notesOf(900, "b").slice(600),
      ...notesOf(901, "a")
        .slice(900)
        .map((record) => record.toTombstone()),
    ];
    const shuffled = [...records].sort(
      (a, b) => ((a.keyBytes.at(-1)! * 7) % 5) - ((b.keyBytes.at(-1)! * 7) % 5),
    );
    const variants: [string, WriteToIndexedDBOptions, (root: Root) => PCollection<SnapshotRecord>][] = [
      ["once", {}, (root) => root.apply(create(records))],
      ["little memory", { memoryBytes: 1024 }, (root) => root.apply(create(records))],
      ["reversed", { memoryBytes: 5000 }, (root) => root.apply(create([...records].reverse()))],
      ["shuffled", { memoryBytes: 20_000 }, (root) => root.apply(create(shuffled))],
      [
        "many bundles",
        {},
        (root) =>
          P(
            [0, 1, 2].map((n) =>
              root.apply(withName(`part ${n}`, create(records.filter((_, i) => i % 3 === n)))),
            ),
          ).apply(flatten<SnapshotRecord>()),
      ],
    ];
    const results: Buffer[] = [];
    for (const [name, options, source] of variants) {
      await runDirect((root) => {
        source(root).apply(
          writeToIndexedDB(join(folder, name, "x"), {
            schema: notesSchema,
            numShards: 2,
            blockBytes: 2048,
            ...options,
          }),
        );
      });
      results.push(
        Buffer.concat([0, 1].map((i) => readFileSync(join(folder, name, `x-0000${i}-of-00002.idbsnap`)))),
      );
    }
    expect(results.map((result) => Buffer.compare(result, results[0]!))).toEqual(variants.map(() => 0));
  });

  test("also with more runs than are merged at once", async () => {
    const folder = temporaryFolder();
    const records = notesOf(1500);
    await write(join(folder, "a/x"), records);
    // About four records a run: far more than 128 runs.
    await write(join(folder, "b/x"), records, { memoryBytes: 1024 });
    const name = "x-00000-of-00001.idbsnap";
    expect(Buffer.compare(readFileSync(join(folder, "a", name)), readFileSync(join(folder, "b", name)))).toBe(
      0,
    );
  });
});

describe("the output folder", () => {
  test("holds nothing but the result afterwards, and is made when it is missing", async () => {
    const folder = temporaryFolder();
    await write(join(folder, "deep/er/x"), notesOf(10), { memoryBytes: 1024 });
    expect(namesIn(join(folder, "deep/er"))).toEqual(["x-00000-of-00001.idbsnap"]);
  });

  test("may have wildcards in its name", async () => {
    const folder = join(temporaryFolder(), "my [notes] {2} (x)");
    await write(join(folder, "x"), notesOf(10), { numShards: 3 });
    expect(await write(join(folder, "x"), notesOf(10))).toEqual(["x-00000-of-00001.idbsnap"]);
  });

  test("that is a file, or may not be written, is told before anything is lost", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "mine");
    expect(await failureOf(write(join(folder, "file/x"), notesOf(1)))).toBe("FILE_NOT_WRITABLE");
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("mine");
    // Root may write everywhere.
    if (process.getuid?.() === 0) return;
    mkdirSync(join(folder, "locked"));
    chmodSync(join(folder, "locked"), 0o500);
    expect(await failureOf(write(join(folder, "locked/x"), notesOf(1)))).toBe("FILE_NOT_WRITABLE");
  });

  test("temporary folders of killed runs are removed, those of live ones stay", async () => {
    const folder = temporaryFolder();
    mkdirSync(tempFolderFor(join(folder, "x"), 2 ** 22 + 1));
    const live = tempFolderFor(join(folder, "x"), process.ppid);
    mkdirSync(live);
    expect(await write(join(folder, "x"), notesOf(1))).toEqual([basename(live), "x-00000-of-00001.idbsnap"]);
  });
});

describe("wrong options are refused while the pipeline is built", () => {
  test.each([
    [{ numShards: -1 }, /numShards/],
    [{ numShards: 1.5 }, /numShards/],
    [{ maxBytesPerShard: 0 }, /maxBytesPerShard/],
    [{ memoryBytes: 1 }, /memoryBytes/],
    [{ blockBytes: 1 }, /blockBytes/],
    [{ onError: "ignore" }, /onError/],
    [{ compression: "zip" }, /compression/],
    [{ destination: "store" }, /destination/],
    [{ schema: { name: "x" } }, /schema/],
    [{ shardNameTemplate: "", numShards: 2 }, /has no S/],
    [{ shardNameTemplate: "-NNN", numShards: 0 }, /has no S/],
    [{ fileNameSuffix: "/x" }, /slash/],
    [{ shards: 3 }, /no option "shards"/],
  ])("%o", (options, message) => {
    const build = () => writeToIndexedDB("x", options as WriteToIndexedDBOptions);
    expect(build).toThrow(TypeError);
    expect(build).toThrow(message);
  });

  test.each([
    ["", {}],
    [5, {}],
    ["folder/", {}],
  ])("the prefix %o", (prefix, options) => {
    expect(() => writeToIndexedDB(prefix as string, options)).toThrow(TypeError);
  });
});
