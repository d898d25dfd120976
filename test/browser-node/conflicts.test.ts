import { describe, expect, test } from "vitest";
import { type ImportOptions, exportDB, importDB, unfinishedImports } from "../../browser/index.js";
import { SnapshotWriter, encodeKey, encodeValue } from "../../snapshot/index.js";
import {
  type StoreFixture,
  collect,
  createDatabase,
  memoryIndexedDB,
  openDatabase,
  readDatabase,
} from "./memory-indexeddb.js";

const inline = { options: { keyPath: "id" } };

/** Imports a database with these stores into one that has those. */
async function importInto(
  coming: Readonly<Record<string, StoreFixture>>,
  there: Readonly<Record<string, StoreFixture>>,
  options: ImportOptions = {},
  versions: { coming?: number; there?: number } = {},
) {
  const [from, to] = [memoryIndexedDB(), memoryIndexedDB()];
  await createDatabase(from.indexedDB, "app", coming, versions.coming);
  await createDatabase(to.indexedDB, "app", there, versions.there);
  const bytes = await collect(exportDB("app", from));
  const result = await importDB(bytes, { ...to, ...options }).catch(
    (error: unknown) => error as { code: string; message: string },
  );
  return { result, bytes, to, after: await readDatabase(to.indexedDB, "app") };
}

const coming = {
  a: { ...inline, values: [{ id: 1, at: 5 }, { id: 2, at: 1 }, { id: 3, at: 9 }, { id: 4 }] },
};
const there = {
  a: {
    ...inline,
    values: [{ id: 1, at: 4, mine: true }, { id: 2, at: 4, mine: true }, { id: 4 }, { id: 5, mine: true }],
  },
};

describe("a record whose key is taken", () => {
  test("stops the import before the first write by default", async () => {
    const { result, after } = await importInto(coming, there);
    expect(result).toMatchObject({ code: "IMPORT_CONFLICT", store: "a", key: "1" });
    expect(after.stores.a!.map(([, value]) => value)).toEqual(there.a.values);
  });

  test.each<[ImportOptions, object, unknown[]]>([
    [
      { onConflict: "skip" },
      { added: 1, skipped: 2, unchanged: 1, overwritten: 0 },
      [there.a.values[0], there.a.values[1], coming.a.values[2]],
    ],
    [
      { onConflict: "overwrite" },
      { added: 1, skipped: 0, unchanged: 1, overwritten: 2 },
      coming.a.values.slice(0, 3),
    ],
    [
      { onConflict: "newer", newerBy: "at" },
      { added: 1, skipped: 1, unchanged: 1, overwritten: 1 },
      [coming.a.values[0], there.a.values[1], coming.a.values[2]],
    ],
  ])("is resolved by %o", async (options, counts, values) => {
    const { result, after } = await importInto(coming, there, options);
    expect(result).toMatchObject({ stores: [counts] });
    expect(after.stores.a!.map(([, value]) => value)).toEqual([...values, { id: 4 }, { id: 5, mine: true }]);
  });

  test("is counted by a dry run without a write", async () => {
    const { result, after } = await importInto(coming, there, {
      onConflict: "newer",
      newerBy: "at",
      dryRun: true,
    });
    expect(result).toMatchObject({
      dryRun: true,
      stores: [{ added: 1, skipped: 1, unchanged: 1, overwritten: 1 }],
    });
    expect(after.stores.a!.map(([, value]) => value)).toEqual(there.a.values);
  });

  test.each<[string, unknown, unknown, boolean]>([
    ["a later date", new Date(2), new Date(1), true],
    ["an earlier date", new Date(1), new Date(2), false],
    ["the same date", new Date(1), new Date(1), false],
    ["a later text", "2026-02-01", "2026-01-01", true],
    ["a later text of another time zone", "2026-01-01T09:30:00Z", "2026-01-01T10:00:00+02:00", true],
    ["a later text where there is a date", "1970-01-02", new Date(1), true],
    ["a text that is no time", "version b", "version a", false],
    ["no time of its own", undefined, new Date(1), false],
    ["a time where there is none", 1, undefined, true],
    ["a time of another kind", "x", 1, false],
  ])("is newer or not with %s", async (_, comingAt, thereAt, newer) => {
    const { result } = await importInto(
      { a: { ...inline, values: [{ id: 1, meta: { at: comingAt }, new: true }] } },
      { a: { ...inline, values: [{ id: 1, meta: { at: thereAt } }] } },
      { onConflict: "newer", newerBy: "meta.at" },
    );
    expect(result).toMatchObject({ stores: [{ overwritten: newer ? 1 : 0, skipped: newer ? 0 : 1 }] });
  });

  test("is no conflict when a unique index is what refuses it: that is said", async () => {
    const indexes = [["by email", "email", { unique: true }]] as const;
    const { result } = await importInto(
      { a: { ...inline, indexes, values: [{ id: 1, email: "x" }] } },
      { a: { ...inline, indexes, values: [{ id: 2, email: "x" }] } },
      { onConflict: "overwrite" },
    );
    expect(result).toMatchObject({ code: "IMPORT_CONFLICT", message: expect.stringContaining('"by email"') });
  });

  test("counts as the same only with the same content of its Blobs", async () => {
    const values = (text: string): StoreFixture => ({ entries: [[1, new Blob([text])]] });
    expect((await importInto({ a: values("one") }, { a: values("one") })).result).toMatchObject({
      stores: [{ unchanged: 1 }],
    });
    expect((await importInto({ a: values("one") }, { a: values("two") })).result).toMatchObject({
      code: "IMPORT_CONFLICT",
    });
  });
});

describe("the database imported into", () => {
  test("is upgraded by a higher version: missing stores and indexes come, the rest stays", async () => {
    const { result, after, to } = await importInto(
      { a: { ...inline, indexes: [["at", "at"]], values: [{ id: 9, at: 1 }] }, b: { entries: [["k", 1]] } },
      { a: { ...inline, values: [{ id: 1 }] }, old: { entries: [["mine", 1]] } },
      {},
      { coming: 2 },
    );
    expect(result).toMatchObject({ version: 2, created: false });
    expect(after).toEqual({
      version: 2,
      stores: {
        a: [
          [1, { id: 1 }],
          [9, { id: 9, at: 1 }],
        ],
        b: [["k", 1]],
        old: [["mine", 1]],
      },
    });
    const db = await openDatabase(to.indexedDB, "app");
    expect(Array.from(db.transaction("a").objectStore("a").indexNames)).toEqual(["at"]);
    db.close();
  });

  test.each<[string, Readonly<Record<string, StoreFixture>>, number, ImportOptions, string]>([
    ["has a higher version", coming, 3, {}, "IMPORT_VERSION_LOWER"],
    ["lacks the store and keeps its version", { other: {} }, 1, {}, "IMPORT_SCHEMA_MISMATCH"],
    ["has another key path", { a: { options: { keyPath: "key" } } }, 1, {}, "IMPORT_SCHEMA_MISMATCH"],
    ["has out-of-line keys", { a: {} }, 1, {}, "IMPORT_SCHEMA_MISMATCH"],
    [
      "has a key generator",
      { a: { options: { keyPath: "id", autoIncrement: true } } },
      1,
      {},
      "IMPORT_SCHEMA_MISMATCH",
    ],
    ["has the key path in a list", { a: { options: { keyPath: ["id"] } } }, 1, {}, "IMPORT_SCHEMA_MISMATCH"],
  ])("is refused and left alone when it %s", async (_, stores, version, options, code) => {
    const { result, after, to } = await importInto(coming, stores, options, { there: version });
    expect(result).toMatchObject({ code });
    expect(after.version).toBe(version);
    expect(await unfinishedImports(to)).toEqual([]);
  });

  test("can be another one by name and version", async () => {
    const { to, result } = await importInto(coming, there, { into: "copy", version: 8 });
    expect(result).toMatchObject({ database: "copy", version: 8, created: true });
    expect((await readDatabase(to.indexedDB, "copy")).version).toBe(8);
  });

  test("refuses options that contradict each other", async () => {
    const memory = memoryIndexedDB();
    for (const options of [
      { onConflict: "newer" },
      { newerBy: "at" },
      { onConflict: "replace" },
      { version: 0 },
      { onUnportable: "ignore" },
      { keyRanges: { a: { lower: 2, upper: 1 } } },
    ] as ImportOptions[]) {
      await expect(importDB(new Uint8Array(0), { ...memory, ...options })).rejects.toThrow(TypeError);
    }
  });
});

describe("one file of several", () => {
  test("says in the result that it is not the whole", async () => {
    const parts: Uint8Array[] = [];
    const writer = new SnapshotWriter(
      { write: (bytes) => void parts.push(bytes.slice()) },
      {
        database: { name: "app", version: 1, objectStores: [] },
        origin: { device: "phone", capturedAt: 100 },
        shard: { set: "merged", index: 1, count: 3 },
      },
    );
    await writer.finish();
    const bytes = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    const memory = memoryIndexedDB();
    for (const dryRun of [true, false])
      expect(await importDB(bytes, { ...memory, dryRun })).toMatchObject({ shard: { index: 1, count: 3 } });
  });
});

describe("tombstones", () => {
  async function segment(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    const writer = new SnapshotWriter(
      { write: (bytes) => void parts.push(bytes.slice()) },
      {
        database: {
          name: "app",
          version: 1,
          objectStores: [{ name: "a", keyPath: "id", autoIncrement: false, indexes: [] }],
        },
        origin: { device: "phone", capturedAt: 100, sequence: 1 },
        delta: { base: "00".repeat(32) },
      },
    );
    await writer.add({ store: "a", keyBytes: encodeKey(1), deleted: true });
    await writer.add({ store: "a", keyBytes: encodeKey(2), valueBytes: encodeValue({ id: 2, at: 50 }) });
    await writer.add({ store: "a", keyBytes: encodeKey(3), deleted: true });
    await writer.finish();
    return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  }

  test.each<[ImportOptions, object, number[]]>([
    [{ onConflict: "overwrite" }, { deleted: 1, added: 1, unchanged: 1 }, [2]],
    [{ onConflict: "skip" }, { deleted: 0, added: 1, skipped: 1, unchanged: 1 }, [1, 2]],
    [{ onConflict: "newer", newerBy: "at" }, { deleted: 1, added: 1, unchanged: 1 }, [2]],
    [{ onConflict: "newer", newerBy: "later" }, { deleted: 0, added: 1, skipped: 1, unchanged: 1 }, [1, 2]],
  ])("delete by policy %o", async (options, counts, keys) => {
    const to = memoryIndexedDB();
    await createDatabase(to.indexedDB, "app", { a: { ...inline, values: [{ id: 1, at: 99, later: 101 }] } });
    const result = await importDB(await segment(), { ...to, ...options });
    expect(result.stores).toMatchObject([counts]);
    expect((await readDatabase(to.indexedDB, "app")).stores.a!.map(([key]) => key)).toEqual(keys);
  });
});

describe("a file whose values do not belong to their keys", () => {
  test("is refused, and the new database is taken back", async () => {
    const parts: Uint8Array[] = [];
    const writer = new SnapshotWriter(
      { write: (bytes) => void parts.push(bytes.slice()) },
      {
        database: {
          name: "app",
          version: 1,
          objectStores: [{ name: "a", keyPath: "id", autoIncrement: false, indexes: [] }],
        },
        origin: { device: "", capturedAt: 0 },
      },
    );
    await writer.add({ store: "a", keyBytes: encodeKey(1), valueBytes: encodeValue({ id: 2 }) });
    await writer.finish();
    const memory = memoryIndexedDB();
    await expect(importDB(new Blob(parts as Uint8Array<ArrayBuffer>[]), memory)).rejects.toMatchObject({
      code: "SNAPSHOT_MALFORMED",
      store: "a",
      key: "1",
    });
    expect((await memory.indexedDB.databases()).map(({ name }) => name)).not.toContain("app");
    expect(await unfinishedImports(memory)).toEqual([]);
  });
});
