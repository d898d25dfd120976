import { describe, expect, test } from "vitest";
import { type ExportOptions, exportDB, importDB } from "../../browser/index.js";
import { SnapshotReader, bytesSource } from "../../snapshot/index.js";
import {
  type StoreFixture,
  answer,
  collect,
  createDatabase,
  memoryIndexedDB,
  openDatabase,
  readDatabase,
} from "./memory-indexeddb.js";

/** Export from one memory, import into another, and both read in full. */
async function roundTrip(
  stores: Readonly<Record<string, StoreFixture>>,
  version = 1,
  options: ExportOptions = {},
) {
  const [from, to] = [memoryIndexedDB(), memoryIndexedDB()];
  await createDatabase(from.indexedDB, "app", stores, version);
  const bytes = await collect(exportDB("app", { ...from, ...options }));
  const result = await importDB(bytes, to);
  return {
    from,
    to,
    bytes,
    result,
    before: await readDatabase(from.indexedDB, "app"),
    after: await readDatabase(to.indexedDB, "app"),
  };
}

describe("a database in Node", () => {
  test("comes back with the same version, keys and values", async () => {
    const { before, after, result } = await roundTrip(
      {
        notes: {
          options: { keyPath: "id" },
          values: [
            { id: 1, text: "a" },
            { id: "1", text: "b" },
            { id: [1, "x"], at: new Date(5) },
          ],
        },
        blobs: {
          entries: [
            ["k", new Map([[1, new Set(["x"])]])],
            [new Date(3), undefined],
            [-Infinity, null],
          ],
        },
      },
      7,
    );
    expect(after).toEqual(before);
    expect(after.version).toBe(7);
    expect(result).toMatchObject({ created: true, resumed: false, version: 7 });
    expect(result.stores).toEqual([
      {
        name: "blobs",
        added: 3,
        overwritten: 0,
        skipped: 0,
        unchanged: 0,
        deleted: 0,
        filtered: 0,
        unportable: 0,
      },
      {
        name: "notes",
        added: 3,
        overwritten: 0,
        skipped: 0,
        unchanged: 0,
        deleted: 0,
        filtered: 0,
        unportable: 0,
      },
    ]);
  });

  test("may have no object store at all", async () => {
    const { after, result } = await roundTrip({}, 3);
    expect(after).toEqual({ version: 3, stores: {} });
    expect(result.stores).toEqual([]);
  });

  test("may have empty object stores", async () => {
    const { after } = await roundTrip({ a: {}, b: { options: { keyPath: "id", autoIncrement: true } } });
    expect(after.stores).toEqual({ a: [], b: [] });
  });

  test("keeps the names, key paths and flags of indexes", async () => {
    const { to } = await roundTrip({
      people: {
        options: { keyPath: ["country", "number"] },
        indexes: [
          ["by_email", "email", { unique: true }],
          ["tags", "tags", { multiEntry: true }],
          ["compound", ["a.b", "c"]],
          ["single in an array", ["a"]],
        ],
        values: [{ country: "AT", number: 1, email: "a@b" }],
      },
    });
    const db = await openDatabase(to.indexedDB, "app");
    const store = db.transaction("people").objectStore("people");
    expect(store.keyPath).toEqual(["country", "number"]);
    const indexes = Array.from(store.indexNames, (name) => {
      const { keyPath, unique, multiEntry } = store.index(name);
      return { name, keyPath, unique, multiEntry };
    });
    expect(indexes).toEqual([
      { name: "by_email", keyPath: "email", unique: true, multiEntry: false },
      { name: "compound", keyPath: ["a.b", "c"], unique: false, multiEntry: false },
      { name: "single in an array", keyPath: ["a"], unique: false, multiEntry: false },
      { name: "tags", keyPath: "tags", unique: false, multiEntry: true },
    ]);
    db.close();
  });

  test("keeps the position of key generators, in-line and out-of-line", async () => {
    const from = memoryIndexedDB();
    await createDatabase(from.indexedDB, "app", {
      inline: { options: { keyPath: "deep.id", autoIncrement: true }, values: [{}, {}, {}, {}, {}] },
      outside: { options: { autoIncrement: true }, values: ["a", "b", "c"] },
      fresh: { options: { autoIncrement: true } },
    });
    const db = await openDatabase(from.indexedDB, "app");
    const transaction = db.transaction(["inline", "outside"], "readwrite");
    for (const id of [3, 4, 5]) transaction.objectStore("inline").delete(id);
    await answer(transaction.objectStore("outside").clear());
    db.close();
    const bytes = await collect(exportDB("app", from));
    const to = memoryIndexedDB();
    await importDB(bytes, to);
    const restored = await openDatabase(to.indexedDB, "app");
    const next = restored.transaction(["inline", "outside", "fresh"], "readwrite");
    expect(await answer(next.objectStore("inline").add({}))).toBe(6);
    expect(await answer(next.objectStore("outside").add("x"))).toBe(4);
    expect(await answer(next.objectStore("fresh").add("x"))).toBe(1);
    restored.close();
    // Nor has the export itself moved the generator of the source.
    const source = await openDatabase(from.indexedDB, "app");
    expect(await answer(source.transaction("inline", "readwrite").objectStore("inline").add({}))).toBe(6);
    source.close();
  });

  test("has Blobs stored once per content and read back as Blobs", async () => {
    const photo = new Blob([new Uint8Array(3 << 20).fill(7)], { type: "image/png" });
    const { after, bytes } = await roundTrip({
      files: {
        entries: [
          [1, { photo }],
          [2, [photo, photo, new Blob(["text"], { type: "text/plain" })]],
          [3, new Blob([])],
        ],
      },
    });
    const reader = await SnapshotReader.open(bytesSource(bytes));
    expect(reader.summary.attachments).toEqual({ count: 3, bytes: (3 << 20) + 4 });
    const [[, one], [, two], [, three]] = after.stores.files as [
      [number, { photo: Blob }],
      [number, Blob[]],
      [number, Blob],
    ];
    expect([one.photo.size, one.photo.type]).toEqual([3 << 20, "image/png"]);
    expect(new Uint8Array(await one.photo.arrayBuffer()).every((byte) => byte === 7)).toBe(true);
    expect(two[0]).toBe(two[1]);
    expect(await two[2]!.text()).toBe("text");
    expect(three.size).toBe(0);
  });

  test("keeps -0 in keys apart from 0", async () => {
    const { after } = await roundTrip({
      a: {
        entries: [
          [-0, "minus"],
          [[1, -0], "in an array"],
        ],
      },
    });
    expect(after.stores.a!.map(([key]) => key)).toEqual([-0, [1, -0]]);
  });

  test("takes records of any size, and many of them", async () => {
    const { before, after } = await roundTrip({
      large: {
        entries: [
          [1, new Uint8Array(9 << 20).fill(1)],
          [2, "x"],
          [3, "y".repeat(5 << 20)],
        ],
      },
      many: {
        options: { autoIncrement: true },
        values: Array.from({ length: 12_000 }, (_, at) => ({ at, text: `note ${at}` })),
      },
    });
    expect(after.stores.many).toEqual(before.stores.many);
    expect((after.stores.large![0]![1] as Uint8Array).length).toBe(9 << 20);
  });

  test("gives the same bytes again when device and time are the same", async () => {
    const from = memoryIndexedDB();
    await createDatabase(from.indexedDB, "app", { a: { entries: [["k", { v: 1 }]] } });
    const options = { ...from, device: "phone", capturedAt: 5 };
    expect(await collect(exportDB("app", options))).toEqual(await collect(exportDB("app", options)));
  });
});
