import { describe, expect, test } from "vitest";
import { exportDB, importDB, unfinishedImports } from "../../browser/index.js";
import { type ByteSource, bytesSource } from "../../snapshot/index.js";
import {
  answer,
  collect,
  createDatabase,
  memoryIndexedDB,
  openDatabase,
  readDatabase,
} from "./memory-indexeddb.js";

const values = Array.from({ length: 60 }, (_, id) => ({ id, text: `text ${id} `.repeat(10_000) }));
const store = { options: { keyPath: "id" } };

async function snapshot(): Promise<Uint8Array> {
  const memory = memoryIndexedDB();
  await createDatabase(memory.indexedDB, "app", { a: { ...store, values } });
  return collect(exportDB("app", memory));
}

/** A signal that fires once some records are stored. */
function stopAfterFirstBatch() {
  const stop = new AbortController();
  return {
    signal: stop.signal,
    onProgress: ({ phase, records }: { phase: string; records: number }) => {
      if (phase === "import" && records > 0) stop.abort(new Error("enough"));
    },
  };
}

describe("a database that other connections hold up", () => {
  test.each(["export", "import"] as const)("does not keep an %s that is stopped", async (what) => {
    const memory = memoryIndexedDB();
    const bytes = await snapshot();
    await createDatabase(memory.indexedDB, "app", { a: { ...store, values: [] } });
    const holding = await openDatabase(memory.indexedDB, "app");
    const upgrade = openDatabase(memory.indexedDB, "app", 2);
    const stop = new AbortController();
    const options = { ...memory, signal: stop.signal };
    const work =
      what === "export"
        ? collect(exportDB("app", { ...options, device: "d" }))
        : importDB(bytes, { ...options, into: "app" });
    // Behind the upgrade, which waits for the connection above.
    const waiting = expect(work).rejects.toMatchObject({ code: `${what.toUpperCase()}_ABORTED` });
    await unfinishedImports(memory);
    stop.abort();
    await waiting;
    holding.close();
    (await upgrade).close();
    // Nothing of it is left open that would hold up another.
    (await openDatabase(memory.indexedDB, "app", 3)).close();
  });
});

describe("storage that is full", () => {
  test("fails an export with a way out", async () => {
    const memory = memoryIndexedDB();
    const full = {
      open: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    } as unknown as IDBFactory;
    await expect(collect(exportDB("app", { ...memory, indexedDB: full }))).rejects.toMatchObject({
      code: "EXPORT_FAILED",
      message: expect.stringContaining('staging: "memory"'),
    });
  });
});

describe("an import that ends early", () => {
  test("leaves no database behind when it had made it", async () => {
    const memory = memoryIndexedDB();
    await expect(importDB(await snapshot(), { ...memory, ...stopAfterFirstBatch() })).rejects.toMatchObject({
      code: "IMPORT_ABORTED",
      cause: { message: "enough" },
    });
    expect((await memory.indexedDB.databases()).map(({ name }) => name)).toEqual(["beam-indexeddb"]);
    expect(await unfinishedImports(memory)).toEqual([]);
  });

  test.each(["fail", "skip", "overwrite"] as const)(
    "is finished by the same call, under the policy %s",
    async (onConflict) => {
      const memory = memoryIndexedDB();
      await createDatabase(memory.indexedDB, "app", { a: { ...store, values: [{ id: "mine" }] } });
      const bytes = await snapshot();
      await expect(
        importDB(bytes, { ...memory, onConflict, ...stopAfterFirstBatch() }),
      ).rejects.toMatchObject({ code: "IMPORT_ABORTED" });
      expect(await unfinishedImports(memory)).toMatchObject([{ database: "app", created: false }]);
      const half = (await readDatabase(memory.indexedDB, "app")).stores.a!.length;
      expect(half).toBeGreaterThan(1);
      expect(half).toBeLessThan(61);
      const result = await importDB(bytes, { ...memory, onConflict });
      expect(result).toMatchObject({
        resumed: true,
        stores: [{ added: 61 - half, unchanged: half - 1, overwritten: 0, skipped: 0 }],
      });
      expect((await readDatabase(memory.indexedDB, "app")).stores.a).toEqual([
        ...values.map((value) => [value.id, value]),
        ["mine", { id: "mine" }],
      ]);
      expect(await unfinishedImports(memory)).toEqual([]);
    },
  );

  test("is all or nothing when it fits one transaction", async () => {
    const memory = memoryIndexedDB();
    const indexes = [["unique", "u", { unique: true }]] as const;
    await createDatabase(memory.indexedDB, "app", {
      a: { ...store, values: [{ id: 1 }] },
      b: { ...store, indexes, values: [{ id: 1, u: 1 }] },
    });
    const from = memoryIndexedDB();
    await createDatabase(from.indexedDB, "app", {
      a: { ...store, values: [{ id: 2 }] },
      b: { ...store, indexes, values: [{ id: 2, u: 1 }] },
    });
    const before = await readDatabase(memory.indexedDB, "app");
    await expect(importDB(await collect(exportDB("app", from)), memory)).rejects.toMatchObject({
      code: "IMPORT_CONFLICT",
      store: "b",
    });
    expect(await readDatabase(memory.indexedDB, "app")).toEqual(before);
  });

  test("stops in every phase without a write when it was stopped before", async () => {
    const memory = memoryIndexedDB();
    await expect(
      importDB(new Blob([(await snapshot()) as Uint8Array<ArrayBuffer>]).stream(), {
        ...memory,
        signal: AbortSignal.abort(),
      }),
    ).rejects.toMatchObject({
      code: "IMPORT_ABORTED",
    });
    expect(await memory.indexedDB.databases()).toEqual([]);
  });

  test("says that the storage is full", async () => {
    const memory = memoryIndexedDB();
    const factory = fullAfter(memory.indexedDB, 5);
    await expect(importDB(await snapshot(), { ...memory, indexedDB: factory })).rejects.toMatchObject({
      code: "IMPORT_QUOTA_EXCEEDED",
    });
    expect((await memory.indexedDB.databases()).map(({ name }) => name)).toEqual(["beam-indexeddb"]);
  });
});

/** A factory whose databases take a number of records and then report that the quota is used up. */
function fullAfter(factory: IDBFactory, records: number): IDBFactory {
  let left = records;
  const limited = <T extends object>(target: T, changes: Partial<T>): T =>
    new Proxy(target, {
      get(_, name) {
        const own: unknown = changes[name as keyof T] ?? target[name as keyof T];
        return typeof own === "function" && !(name in changes)
          ? ((own as (...parts: unknown[]) => unknown).bind(target) as unknown)
          : own;
      },
      set: (_, name, value) => Reflect.set(target, name, value),
    });
  return limited(factory, {
    open(...parts) {
      const request = factory.open(...parts);
      if (parts[0] === "beam-indexeddb") return request;
      const db = (): IDBDatabase =>
        limited(request.result, {
          transaction(...scope) {
            const transaction = request.result.transaction(...scope);
            return limited(transaction, {
              objectStore(name) {
                const store = transaction.objectStore(name);
                return limited(store, {
                  add(...record) {
                    if (--left < 0)
                      throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
                    return store.add(...record);
                  },
                });
              },
            });
          },
        });
      return new Proxy(request, {
        get(_, name) {
          if (name === "result") return request.transaction ? request.result : db();
          return Reflect.get(request, name) as unknown;
        },
        set: (_, name, value) => Reflect.set(request, name, value),
      });
    },
  });
}

describe("a source", () => {
  test.each<[string, (bytes: Uint8Array) => Parameters<typeof importDB>[0]]>([
    ["bytes", (bytes) => bytes],
    ["a Blob", (bytes) => new Blob([bytes as Uint8Array<ArrayBuffer>])],
    ["a stream", (bytes) => new Blob([bytes as Uint8Array<ArrayBuffer>]).stream()],
    ["a ByteSource", (bytes): ByteSource => bytesSource(bytes)],
  ])("may be %s", async (_, sourceOf) => {
    const memory = memoryIndexedDB();
    expect((await importDB(sourceOf(await snapshot()), memory)).stores).toMatchObject([{ added: 60 }]);
  });

  test("that fails stops the import with its own error", async () => {
    const memory = memoryIndexedDB();
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(new Error("connection lost"));
      },
    });
    await expect(importDB(broken, memory)).rejects.toThrow("connection lost");
    expect(await memory.indexedDB.databases()).toEqual([]);
  });
});

describe("an export", () => {
  test("ends with an error when its signal fires, and leaves the database usable", async () => {
    const memory = memoryIndexedDB();
    await createDatabase(memory.indexedDB, "app", { a: { ...store, values } });
    const stop = new AbortController();
    const stream = exportDB("app", {
      ...memory,
      signal: stop.signal,
      onProgress: ({ records }) => records > 0 && stop.abort(),
    });
    const reader = stream.getReader();
    await expect(
      (async () => {
        while (!(await reader.read()).done);
      })(),
    ).rejects.toMatchObject({ code: "EXPORT_ABORTED" });
    const db = await openDatabase(memory.indexedDB, "app");
    expect(await answer(db.transaction("a", "readwrite").objectStore("a").count())).toBe(60);
    db.close();
  });

  test("waits for its reader: unread bytes do not pile up", async () => {
    const memory = memoryIndexedDB();
    await createDatabase(memory.indexedDB, "app", {
      a: {
        ...store,
        values: values.map(({ id }) => ({ id, data: crypto.getRandomValues(new Uint8Array(60_000)) })),
      },
    });
    let written = 0;
    const reader = exportDB("app", {
      ...memory,
      blockBytes: 65_536,
      onProgress: ({ phase, bytes }) => (written = phase === "read" ? 0 : bytes),
    }).getReader();
    let read = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      read += part.value.length;
      expect(written - read).toBeLessThan(2_500_000);
    }
    expect(read).toBeGreaterThan(3_600_000);
  });
});
