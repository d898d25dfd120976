import { describe, expect, test } from "vitest";
import { exportDB, importDB } from "../../browser/index.js";
import { SnapshotReader, bytesSource, isSnapshotError } from "../../snapshot/index.js";
import {
  answer,
  collect,
  createDatabase,
  memoryIndexedDB,
  openDatabase,
  readDatabase,
} from "./memory-indexeddb.js";

/** Faults of other export tools, reproduced there, that cannot happen here: one test each. */

const rows = Array.from({ length: 100 }, (_, id) => ({ id, name: `row ${id}` }));

async function source(
  values: readonly unknown[] = rows,
  options: IDBObjectStoreParameters = { keyPath: "id" },
) {
  const memory = memoryIndexedDB();
  await createDatabase(memory.indexedDB, "app", {
    a: { options, values },
    b: { entries: rows.map((row) => [row.id, row] as const) },
  });
  return memory;
}

describe("faults of other tools", () => {
  test("D1: a filter that empties the last part of the file still gives a whole file", async () => {
    const bytes = await collect(
      exportDB("app", { ...(await source()), blockBytes: 1024, filter: ({ key }) => (key as number) < 5 }),
    );
    const to = memoryIndexedDB();
    await importDB(bytes, to);
    expect((await readDatabase(to.indexedDB, "app")).stores.a).toHaveLength(5);
  });

  test("D2: out-of-line records are filtered and changed with their keys on import", async () => {
    const to = memoryIndexedDB();
    await importDB(await collect(exportDB("app", await source())), {
      ...to,
      stores: ["b"],
      filter: ({ key }) => (key as number) % 50 === 0,
      transform: ({ key, value }) => ({
        key: (key as number) + 1,
        value: { ...(value as object), changed: true },
      }),
    });
    expect((await readDatabase(to.indexedDB, "app")).stores.b).toEqual([
      [1, { id: 0, name: "row 0", changed: true }],
      [51, { id: 50, name: "row 50", changed: true }],
    ]);
  });

  test("D3: a file cut at any byte is refused before anything is written", async () => {
    const memory = memoryIndexedDB();
    await createDatabase(memory.indexedDB, "app", { a: { entries: [["k", { text: "x".repeat(100) }]] } });
    const bytes = await collect(exportDB("app", memory));
    const to = memoryIndexedDB();
    for (let length = 0; length < bytes.length; length++) {
      const error: unknown = await importDB(bytes.slice(0, length), to).catch((thrown: unknown) => thrown);
      expect([length, isSnapshotError(error)]).toEqual([length, true]);
    }
    expect(await to.indexedDB.databases()).toEqual([]);
  });

  test("D4: a file with any byte altered is refused before anything is written", async () => {
    const memory = memoryIndexedDB();
    await createDatabase(memory.indexedDB, "app", { a: { entries: [["k", { text: "x".repeat(100) }]] } });
    const bytes = await collect(exportDB("app", memory));
    const to = memoryIndexedDB();
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at]! ^= 0x10;
      const error: unknown = await importDB(altered, to).catch((thrown: unknown) => thrown);
      expect([at, isSnapshotError(error)]).toEqual([at, true]);
    }
    expect(await to.indexedDB.databases()).toEqual([]);
  });

  test("D5: stores that the target lacks are created by a higher version, or said to be missing", async () => {
    const bytes = await collect(exportDB("app", await source()));
    const to = memoryIndexedDB();
    await createDatabase(to.indexedDB, "app", { a: { options: { keyPath: "id" } } });
    await expect(importDB(bytes, to)).rejects.toMatchObject({ code: "IMPORT_SCHEMA_MISMATCH", store: "b" });
    await importDB(bytes, { ...to, version: 2 });
    expect((await readDatabase(to.indexedDB, "app")).stores.b).toHaveLength(100);
  });

  test("D6: a restored key generator does not give a number again", async () => {
    const memory = await source([{}, {}, {}, {}, {}], { keyPath: "id", autoIncrement: true });
    const db = await openDatabase(memory.indexedDB, "app");
    const transaction = db.transaction("a", "readwrite");
    for (const id of [3, 4, 5]) await answer(transaction.objectStore("a").delete(id));
    db.close();
    const to = memoryIndexedDB();
    await importDB(await collect(exportDB("app", memory)), to);
    const copy = await openDatabase(to.indexedDB, "app");
    expect(await answer(copy.transaction("a", "readwrite").objectStore("a").add({}))).toBe(6);
    copy.close();
  });

  test("D7: an index keeps its name when it is not its key path", async () => {
    const memory = memoryIndexedDB();
    await createDatabase(memory.indexedDB, "app", {
      a: { indexes: [["by_email", "email"]], entries: [[1, { email: "x" }]] },
    });
    const to = memoryIndexedDB();
    await importDB(await collect(exportDB("app", memory)), to);
    const db = await openDatabase(to.indexedDB, "app");
    expect(await answer(db.transaction("a").objectStore("a").index("by_email").get("x"))).toEqual({
      email: "x",
    });
    db.close();
  });

  test("D8: BigInt64Array, Error with its cause, -0 and an own __proto__ come back", async () => {
    const value = {
      big: new BigInt64Array([-1n, 2n]),
      error: new RangeError("too far", { cause: { at: 7 } }),
      zero: -0,
      proto: JSON.parse('{"__proto__": 1}') as object,
    };
    const memory = memoryIndexedDB();
    await createDatabase(memory.indexedDB, "app", { a: { entries: [[1, value]] } });
    const to = memoryIndexedDB();
    await importDB(await collect(exportDB("app", memory)), to);
    const copy = (await readDatabase(to.indexedDB, "app")).stores.a![0]![1] as typeof value;
    expect(copy.big).toEqual(value.big);
    expect(copy.error).toBeInstanceOf(RangeError);
    expect(copy.error.cause).toEqual({ at: 7 });
    expect(Object.is(copy.zero, -0)).toBe(true);
    expect(Object.keys(copy.proto)).toEqual(["__proto__"]);
  });

  test("D9: a small view keeps its offset and buffer without the file growing by a third", async () => {
    const view = new Uint8Array(new ArrayBuffer(1000), 10, 3);
    const memory = memoryIndexedDB();
    await createDatabase(memory.indexedDB, "app", { a: { entries: [[1, view]] } });
    const bytes = await collect(exportDB("app", { ...memory, compression: "none" }));
    const to = memoryIndexedDB();
    await importDB(bytes, to);
    const copy = (await readDatabase(to.indexedDB, "app")).stores.a![0]![1] as Uint8Array;
    expect([copy.byteOffset, copy.length, copy.buffer.byteLength]).toEqual([10, 3, 1000]);
    const { summary } = await SnapshotReader.open(bytesSource(bytes));
    expect(summary.stores[0]!.rawBytes).toBeLessThan(1050);
  });

  test("D10: a database without stores is exported, every store is counted once, and progress can stop the work", async () => {
    const empty = memoryIndexedDB();
    await createDatabase(empty.indexedDB, "app", {});
    expect(
      (await SnapshotReader.open(bytesSource(await collect(exportDB("app", empty))))).summary.records,
    ).toBe(0);

    const full = await source();
    const seen: string[] = [];
    let last = 0;
    const bytes = await collect(
      exportDB("app", {
        ...full,
        onProgress({ phase, records, total }) {
          if (seen.at(-1) !== phase) seen.push(phase);
          expect([total, records <= total]).toEqual([200, true]);
          last = records;
        },
      }),
    );
    expect([seen, last]).toEqual([["read", "write", "done"], 200]);
    const stop = new AbortController();
    await expect(
      importDB(bytes, { ...memoryIndexedDB(), signal: stop.signal, onProgress: () => stop.abort() }),
    ).rejects.toMatchObject({ code: "IMPORT_ABORTED" });
    const stopping = new AbortController();
    const stream = exportDB("app", { ...full, signal: stopping.signal, onProgress: () => stopping.abort() });
    await expect(collect(stream)).rejects.toThrow();
    // Two exports of one database at a time do not mix: they give what each gives alone.
    const both = await Promise.all(
      [1, 2].map(() => collect(exportDB("app", { ...full, device: "d", capturedAt: 1 }))),
    );
    expect(both[0]).toEqual(both[1]);
  });
});
