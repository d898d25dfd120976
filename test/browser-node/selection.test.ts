import { describe, expect, test } from "vitest";
import { type ExportOptions, exportDB, importDB } from "../../browser/index.js";
import { SnapshotReader, bytesSource } from "../../snapshot/index.js";
import { collect, createDatabase, memoryIndexedDB, readDatabase } from "./memory-indexeddb.js";

async function source() {
  const memory = memoryIndexedDB();
  await createDatabase(memory.indexedDB, "app", {
    in: {
      options: { keyPath: "id" },
      values: Array.from({ length: 10 }, (_, id) => ({ id, text: `in ${id}` })),
    },
    out: { entries: Array.from({ length: 10 }, (_, at) => [at, `out ${at}`] as const) },
  });
  return memory;
}

async function exported(options: ExportOptions): Promise<Record<string, [unknown, unknown][]>> {
  const reader = await SnapshotReader.open(
    bytesSource(await collect(exportDB("app", { ...(await source()), ...options }))),
  );
  const stores: Record<string, [unknown, unknown][]> = Object.fromEntries(
    reader.schema.objectStores.map(({ name }) => [name, []]),
  );
  for await (const { store, key, value } of reader.records()) stores[store]!.push([key, value]);
  return stores;
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no error",
    (error: unknown) => (error as { code?: string }).code ?? error,
  );
}

describe("export", () => {
  test("takes only the stores and key ranges that are asked for", async () => {
    const stores = await exported({
      stores: ["out"],
      keyRanges: { out: { lower: 2, upper: 5, upperOpen: true } },
    });
    expect(stores).toEqual({
      out: [
        [2, "out 2"],
        [3, "out 3"],
        [4, "out 4"],
      ],
    });
  });

  test.each([
    ["a bound that is the last key of a batch", { lower: 0, upper: 9 }, 10],
    ["one key", { lower: 4, upper: 4 }, 1],
    ["an open lower bound", { lower: 4, lowerOpen: true }, 5],
    ["nothing in it", { lower: 100 }, 0],
  ])("takes a range with %s", async (_, keyRange, records) => {
    expect((await exported({ keyRanges: { in: keyRange } })).in).toHaveLength(records);
  });

  test("pairs keys and values when a filter leaves records out, in-line and out-of-line", async () => {
    const seen: unknown[] = [];
    const stores = await exported({
      filter({ store, key, value }) {
        seen.push([store, key, value]);
        return (key as number) % 4 === 1;
      },
    });
    expect(stores).toEqual({
      in: [
        [1, { id: 1, text: "in 1" }],
        [5, { id: 5, text: "in 5" }],
        [9, { id: 9, text: "in 9" }],
      ],
      out: [
        [1, "out 1"],
        [5, "out 5"],
        [9, "out 9"],
      ],
    });
    expect(seen).toHaveLength(20);
  });

  test("changes keys and values together", async () => {
    const stores = await exported({
      transform: ({ store, key, value }) =>
        store === "out"
          ? { key: (key as number) + 100, value: { was: value } }
          : { value: { ...(value as object), id: (key as number) + 200 } },
    });
    expect(stores.out![0]).toEqual([100, { was: "out 0" }]);
    expect(stores.in![9]).toEqual([209, { id: 209, text: "in 9" }]);
  });

  test.each<[string, ExportOptions, string]>([
    [
      "gives an in-line value another key than it holds",
      { transform: ({ value }) => ({ key: 77, value }) },
      "SNAPSHOT_KEY_INVALID",
    ],
    [
      "takes the key out of an in-line value",
      { stores: ["in"], transform: () => ({ value: {} }) },
      "SNAPSHOT_KEY_INVALID",
    ],
    [
      "turns the order of keys round",
      { stores: ["out"], transform: ({ key, value }) => ({ key: -(key as number), value }) },
      "SNAPSHOT_KEY_ORDER",
    ],
    [
      "gives what no database stores",
      { stores: ["out"], transform: () => ({ value: () => 1 }) },
      "SNAPSHOT_VALUE_UNSUPPORTED",
    ],
  ])("fails when a transform %s", async (_, options, code) => {
    expect(await failure(exported(options))).toBe(code);
  });

  test("passes on what a filter throws", async () => {
    const mistake = new Error("my mistake");
    expect(
      await failure(
        exported({
          filter: () => {
            throw mistake;
          },
        }),
      ),
    ).toBe(mistake);
  });

  test("refuses asynchronous functions, which a transaction would not wait for", async () => {
    expect(await failure(exported({ filter: (async () => true) as never }))).toBeInstanceOf(TypeError);
  });

  test.each(["stores", "keyRanges"])("names the stores there are when %s has a wrong one", async (option) => {
    const options = option === "stores" ? { stores: ["notes"] } : { keyRanges: { notes: { lower: 1 } } };
    const error = await exported(options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "SNAPSHOT_STORE_UNKNOWN",
      store: "notes",
      message: expect.stringContaining("stores are: in, out"),
    });
  });

  test("refuses a database that is not there, and makes none", async () => {
    const memory = memoryIndexedDB();
    expect(await failure(collect(exportDB("typo", { ...memory, device: "d" })))).toBe("EXPORT_FAILED");
    expect(await memory.indexedDB.databases()).toEqual([]);
  });

  test("refuses options that cannot be before anything starts", () => {
    const memory = memoryIndexedDB();
    expect(() => exportDB("app", { ...memory, blockBytes: 3 })).toThrow(TypeError);
    expect(() => exportDB("app", { ...memory, filtre: () => false } as never)).toThrow(/no option "filtre"/);
    expect(() => exportDB("app", { ...memory, capturedAt: NaN })).toThrow(TypeError);
    expect(() => exportDB("app", { ...memory, filter: "x" as never })).toThrow(TypeError);
    expect(() => exportDB("app", { ...memory, onUnportable: "ignore" as never })).toThrow(TypeError);
    expect(() => exportDB("app", { ...memory, staging: "disk" as never })).toThrow(TypeError);
    expect(() => exportDB("app", { ...memory, compression: "gzip" as never })).toThrow(TypeError);
    expect(() => exportDB("app", { ...memory, keyRanges: { a: { lower: 2, upper: 1 } } })).toThrow(TypeError);
    expect(() => exportDB("app", { ...memory, keyRanges: { a: { lower: NaN } } })).toThrow(
      expect.objectContaining({ code: "SNAPSHOT_KEY_INVALID" }),
    );
  });
});

describe("import", () => {
  test("takes only the stores and key ranges that are asked for, with the whole schema", async () => {
    const bytes = await collect(exportDB("app", await source()));
    const to = memoryIndexedDB();
    const result = await importDB(bytes, { ...to, stores: ["in"], keyRanges: { in: { lower: 8 } } });
    expect(result.stores).toMatchObject([{ name: "in", added: 2 }]);
    expect((await readDatabase(to.indexedDB, "app")).stores).toEqual({
      in: [
        [8, { id: 8, text: "in 8" }],
        [9, { id: 9, text: "in 9" }],
      ],
      out: [],
    });
  });

  test("filters and changes records on their way in, also asynchronously", async () => {
    const bytes = await collect(exportDB("app", await source()));
    const to = memoryIndexedDB();
    const result = await importDB(bytes, {
      ...to,
      filter: async ({ key }) => (key as number) < 3,
      transform: async ({ store, key, value }) =>
        store === "out"
          ? { key: `k${key as number}`, value: [value] }
          : { value: { ...(value as object), seen: true } },
    });
    expect(result.stores).toMatchObject([
      { name: "in", added: 3, filtered: 7 },
      { name: "out", added: 3, filtered: 7 },
    ]);
    expect((await readDatabase(to.indexedDB, "app")).stores).toEqual({
      in: [0, 1, 2].map((id) => [id, { id, text: `in ${id}`, seen: true }]),
      out: [0, 1, 2].map((at) => [`k${at}`, [`out ${at}`]]),
    });
  });

  test("finds two records that a transform gave one key", async () => {
    const bytes = await collect(exportDB("app", await source()));
    const to = memoryIndexedDB();
    expect(
      await failure(
        importDB(bytes, { ...to, stores: ["out"], transform: ({ value }) => ({ key: 1, value }) }),
      ),
    ).toBe("IMPORT_CONFLICT");
    expect((await to.indexedDB.databases()).map(({ name }) => name)).not.toContain("app");
  });
});
