import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localFileSystem } from "../../../io/file/local-file-system.js";
import { RecordArena } from "../../../io/indexeddb/record-arena.js";
import { chunkBytes, RunReader, RunWriter } from "../../../io/indexeddb/run-file.js";
import { encodeRecord, SnapshotRecord } from "../../../snapshot/index.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-file-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const origins = [1, 2, 3].map((sequence) => ({
  device: `device-${sequence}`,
  snapshot: "ab".repeat(32),
  capturedAt: 1_700_000_000_000 + sequence,
  sequence,
}));

const anyRecord = fc
  .record({
    database: fc.constantFrom("", "notes", "\ud800"),
    store: fc.constantFrom("a", "b", "__proto__"),
    key: fc.oneof(fc.integer(), fc.constantFrom(-0, [-0, [1, -0]], "key", new Uint8Array(300))),
    value: fc.oneof(fc.string(), fc.constant(undefined), fc.constant("x".repeat(3000))),
    deleted: fc.boolean(),
    origin: fc.constantFrom(...origins),
    source: fc.constantFrom(undefined, "a.idbsnap", "b.idbsnap"),
  })
  .map((parts) => SnapshotRecord.of<unknown, unknown>(parts) as SnapshotRecord);

/** Everything of a record, as bytes. */
const bytesOf = (records: readonly SnapshotRecord[]): string[] =>
  records.map((record) => Buffer.from(encodeRecord(record)).toString("hex"));

async function throughRun(arenas: readonly (readonly SnapshotRecord[])[], database?: string) {
  const path = join(folder, "run");
  const file = await localFileSystem.create(path, { temporary: true });
  const writer = new RunWriter(file);
  const arena = new RecordArena();
  const segments: { offset: number; length: number }[] = [];
  for (const records of arenas) {
    const { offset } = writer;
    for (const number of records.map((record) => arena.add(record, database)))
      await writer.add(arena, number);
    await writer.flush();
    arena.reset();
    segments.push({ offset, length: writer.offset - offset });
  }
  await file.close();
  const source = await localFileSystem.open(path);
  const read: SnapshotRecord[][] = [];
  for (const { offset, length } of segments) {
    const reader = new RunReader(source, offset, length);
    const records: SnapshotRecord[] = [];
    for (let record = await reader.next(); record; record = await reader.next()) records.push(record);
    read.push(records);
  }
  await source.close();
  return read;
}

describe("records in an arena and a run", () => {
  test("come back with all that they have, segment by segment", async () => {
    const property = fc.asyncProperty(fc.array(fc.array(anyRecord), { maxLength: 4 }), async (arenas) => {
      expect((await throughRun(arenas)).map(bytesOf)).toEqual(arenas.map(bytesOf));
    });
    await fc.assert(property, { seed: 20_261_124, numRuns: 60 });
  });

  test("of any size, beside small ones, over several pages and chunks", async () => {
    const records = [10, 3 << 20, 20, chunkBytes, (1 << 20) - 40, 5, ...Array<number>(30).fill(100_000)].map(
      (length, key) =>
        SnapshotRecord.of({
          store: "a",
          key,
          value: new Uint8Array(length).fill(key),
          origin: origins[key % 3]!,
        }),
    ) as SnapshotRecord[];
    // Twice: the second time in the pages of the first.
    expect((await throughRun([records, records])).map(bytesOf)).toEqual([records, records].map(bytesOf));
  });

  test("take the name of another database when one is given", async () => {
    const record = SnapshotRecord.of({ database: "old", store: "a", key: 1, value: 2 }) as SnapshotRecord;
    const [[read] = []] = await throughRun([[record]], "new");
    expect(read!.database).toBe("new");
  });

  test("give their keys and stores without being decoded", () => {
    const arena = new RecordArena();
    const records = [[-0, 1], "b", -0].map((key) =>
      SnapshotRecord.of({ store: `of ${String(key)}`, key, value: 1 }),
    );
    const numbers = records.map((record) => arena.add(record as SnapshotRecord));
    expect(numbers.map((number) => [arena.storeOf(number), [...arena.key(number)]])).toEqual(
      records.map(({ store, keyBytes }) => [store, [...keyBytes]]),
    );
  });
});

describe("a run that was altered", () => {
  test("is told by its checksum", async () => {
    const path = join(folder, "altered");
    const file = await localFileSystem.create(path, { temporary: true });
    const writer = new RunWriter({
      ...file,
      write: (bytes) => {
        const altered = bytes.slice();
        altered[altered.length - 1]! ^= 1;
        return file.write(altered);
      },
    });
    const arena = new RecordArena();
    await writer.add(arena, arena.add(SnapshotRecord.of({ store: "a", key: 1, value: 2 })));
    await writer.flush();
    await file.close();
    const source = await localFileSystem.open(path);
    await expect(Promise.resolve(new RunReader(source, 0, writer.offset).next())).rejects.toMatchObject({
      code: "FILE_READ_FAILED",
    });
    await source.close();
  });
});
