import { exportDB, importDB, unfinishedImports } from "../../../browser/index.js";
import { releaseBuffers } from "../../../browser/release-buffers.js";
import { answer, codeOf, create, ended, equal, exists, open, put, remove } from "./database.js";
import { difference } from "./same-value.js";
import { keyMatrix, valueMatrix } from "./values.js";

/** What holds in every browser, by the sentence that says it. Each case runs in a page of its own and throws when it does not hold. */
export type Case = () => Promise<unknown>;

const ways = {
  "a worker with a private file": { worker: true, staging: "opfs" },
  "the page with Blobs": { worker: false, staging: "memory" },
} as const;

/** Read by hand: `new Response(stream)` would put a TypeError of its own in the place of the stream's error. */
async function snapshotOf(
  source: string | IDBDatabase,
  options: Parameters<typeof exportDB>[1] = {},
): Promise<Blob> {
  const reader = exportDB(source, options).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return new Blob(parts);
    parts.push(value as Uint8Array<ArrayBuffer>);
  }
}

/** Into a database that is not there. */
async function importFresh(
  source: Parameters<typeof importDB>[0],
  options: { into: string } & Parameters<typeof importDB>[1],
): ReturnType<typeof importDB> {
  await remove(options.into);
  return importDB(source, options);
}

async function stagingFiles(): Promise<string[]> {
  const root = await navigator.storage.getDirectory();
  const names: string[] = [];
  for await (const [folder, handle] of root as unknown as AsyncIterable<[string, FileSystemHandle]>) {
    if (handle.kind !== "directory") continue;
    for await (const [name] of handle as unknown as AsyncIterable<[string, FileSystemHandle]>)
      names.push(`${folder}/${name}`);
  }
  return names;
}

const perWay = Object.fromEntries(
  Object.entries(ways).flatMap(([way, options]): [string, Case][] => [
    [
      `keeps every type of value through ${way}`,
      async () => {
        const values = await valueMatrix();
        const db = await create("values", (upgrading) => {
          upgrading.createObjectStore("all");
          upgrading.createObjectStore("inline", { keyPath: "nested.id" });
        });
        for (const [name, value] of Object.entries(values)) {
          // One transaction each: a value that this browser refuses must not take the others along.
          await put(db, "all", [[name, value]]);
          await put(db, "inline", [[undefined, { nested: { id: name }, value }]]);
        }
        const snapshot = await snapshotOf(db, options);
        await importFresh(snapshot, { into: "values-2", worker: options.worker && !("FileList" in values) });
        const copy = await open("values-2");
        for (const store of ["all", "inline"]) {
          for (const name of Object.keys(values)) {
            const before: unknown = await answer(db.transaction(store).objectStore(store).get(name));
            const after: unknown = await answer(copy.transaction(store).objectStore(store).get(name));
            const found = await difference(before, after);
            if (found) throw new Error(`${store}, ${name}: ${found}`);
          }
        }
        db.close();
        copy.close();
        equal(await stagingFiles(), [], "files left behind");
        return Object.keys(values).length;
      },
    ],
    [
      `keeps every kind of key through ${way}`,
      async () => {
        const keys = keyMatrix();
        const db = await create("keys", (upgrading) => {
          upgrading.createObjectStore("out");
          upgrading.createObjectStore("in", { keyPath: "key" });
        });
        await put(
          db,
          "out",
          [...keys.entries()].reverse().map(([at, key]) => [key, at]),
        );
        await put(
          db,
          "in",
          keys.map((key, at) => [undefined, { key, at }]),
        );
        await importFresh(await snapshotOf("keys", options), { into: "keys-2", worker: options.worker });
        const copy = await open("keys-2");
        equal(
          await answer(copy.transaction("out").objectStore("out").getAll()),
          keys.map((_, at) => at),
          "order",
        );
        for (const store of ["out", "in"]) {
          const [before, after] = [
            await answer(db.transaction(store).objectStore(store).getAllKeys()),
            await answer(copy.transaction(store).objectStore(store).getAllKeys()),
          ];
          equal(await difference(before, after), "", store);
        }
        db.close();
        copy.close();
      },
    ],
    [
      `keeps -0 as this browser gives it through ${way}`,
      async () => {
        const db = await create("zeros", (upgrading) => upgrading.createObjectStore("out"));
        await put(db, "out", [
          [-0, "zero"],
          [[1, -0], "nested"],
        ]);
        await importFresh(await snapshotOf(db, options), { into: "zeros-2", worker: options.worker });
        const copy = await open("zeros-2");
        const [before, after] = [
          await answer(db.transaction("out").objectStore("out").getAllKeys()),
          await answer(copy.transaction("out").objectStore("out").getAllKeys()),
        ];
        equal(await difference(before, after), "");
        db.close();
        copy.close();
        return Object.is(before[0], -0);
      },
    ],
    [
      `tells its progress and ends whole through ${way}`,
      async () => {
        const db = await create("progress", (upgrading) =>
          upgrading.createObjectStore("a", { autoIncrement: true }),
        );
        await put(
          db,
          "a",
          Array.from({ length: 3000 }, (_, at) => [undefined, { at, text: "x".repeat(100) }] as const),
        );
        const phases: string[] = [];
        let last = { records: 0, total: 0, bytes: 0 };
        const snapshot = await snapshotOf("progress", {
          ...options,
          onProgress(progress) {
            if (phases.at(-1) !== progress.phase) phases.push(progress.phase);
            last = progress;
          },
        });
        equal(phases, ["read", "write", "done"]);
        equal([last.records, last.total, last.bytes], [3000, 3000, snapshot.size]);
        const imported: string[] = [];
        await importFresh(snapshot.stream(), {
          into: "progress-2",
          worker: options.worker,
          onProgress: ({ phase }) => imported.at(-1) !== phase && imported.push(phase),
        });
        equal(imported, ["receive", "check", "import", "done"]);
        db.close();
        equal(await stagingFiles(), [], "files left behind");
      },
    ],
    [
      `stops on a signal and on cancel, and cleans up, through ${way}`,
      async () => {
        const db = await create("stop", (upgrading) =>
          upgrading.createObjectStore("a", { autoIncrement: true }),
        );
        await put(
          db,
          "a",
          Array.from(
            { length: 400 },
            () => [undefined, crypto.getRandomValues(new Uint8Array(50_000))] as const,
          ),
        );
        const stop = new AbortController();
        const onProgress = ({ records }: { records: number }) => {
          if (records > 50) stop.abort();
        };
        equal(
          await codeOf(snapshotOf("stop", { ...options, signal: stop.signal, onProgress })),
          "EXPORT_ABORTED",
        );
        const reader = exportDB("stop", options).getReader();
        await reader.read();
        await reader.cancel();
        equal(await stagingFiles(), [], "files left behind");
        // Neither a lock nor a transaction is left: the next export and a writer go through at once.
        await put(db, "a", [[undefined, 1]]);
        const next = await snapshotOf(db, options);
        if (next.size < 20_000_000) throw new Error(`only ${next.size} bytes`);
        db.close();
      },
    ],
  ]),
);

export const cases: Readonly<Record<string, Case>> = {
  ...perWay,

  "keeps schema, version and key generators": async () => {
    const db = await create(
      "schema",
      (upgrading) => {
        const people = upgrading.createObjectStore("people", { keyPath: ["country", "id"] });
        people.createIndex("by email", "email", { unique: true });
        people.createIndex("tags", "tags", { multiEntry: true });
        people.createIndex("both", ["a.b", "c"]);
        people.createIndex("one in a list", ["a"]);
        upgrading.createObjectStore("out", { autoIncrement: true });
        upgrading.createObjectStore("in", { keyPath: "deep.id", autoIncrement: true });
        upgrading.createObjectStore("", { keyPath: "" });
      },
      12,
    );
    for (const store of ["out", "in"]) {
      await put(
        db,
        store,
        Array.from({ length: 5 }, () => [undefined, {}] as const),
      );
      const transaction = db.transaction(store, "readwrite");
      const done = ended(transaction);
      for (const id of [3, 4, 5]) transaction.objectStore(store).delete(id);
      await done;
    }
    const result = await importFresh(await snapshotOf(db), { into: "schema-2" });
    equal([result.version, result.created], [12, true]);
    const copy = await open("schema-2");
    const describe = (database: IDBDatabase) => [
      database.version,
      ...Array.from(database.objectStoreNames, (name) => {
        const store = database.transaction(name).objectStore(name);
        const indexes = Array.from(store.indexNames, (index) => {
          const { keyPath, unique, multiEntry } = store.index(index);
          return [index, keyPath, unique, multiEntry];
        });
        return [name, store.keyPath, store.autoIncrement, indexes];
      }),
    ];
    equal(describe(copy), describe(db));
    for (const store of ["out", "in"]) {
      for (const database of [db, copy]) {
        equal(
          await answer(database.transaction(store, "readwrite").objectStore(store).add({})),
          6,
          `next number of ${store}`,
        );
      }
    }
    db.close();
    copy.close();
  },

  "keeps large binary data, and leaves alone what a filter or transform was shown": async () => {
    const db = await create("binary", (upgrading) => upgrading.createObjectStore("a"));
    const buffer = new Uint8Array(50_000).map((_, at) => at % 251).buffer;
    const value = { whole: buffer, part: new Uint16Array(buffer, 2, 4), in: new Map([["deep", [buffer]]]) };
    await put(db, "a", [
      [1, value],
      [2, buffer],
    ]);
    const shown: { whole: ArrayBuffer }[] = [];
    const options = { filter: (record: { value: unknown }) => shown.push(record.value as never) > 0 };
    for (const snapshot of [await snapshotOf(db), await snapshotOf(db, options)]) {
      await importFresh(snapshot, { into: "binary-2" });
      const copy = await open("binary-2");
      equal(await difference(value, await answer(copy.transaction("a").objectStore("a").get(1))), "");
      equal(await difference(buffer, await answer(copy.transaction("a").objectStore("a").get(2))), "");
      copy.close();
    }
    equal(shown[0]!.whole.byteLength, 50_000);
    db.close();
  },
  "gives the memory of binary data back where the browser can": async () => {
    const buffers = Array.from({ length: 4 }, () => new ArrayBuffer(100));
    const [one, two, three, four] = buffers as [ArrayBuffer, ArrayBuffer, ArrayBuffer, ArrayBuffer];
    const value: Record<string, unknown> = { one, two: new Uint8Array(two), three: [new Map([[1, three]])] };
    value.set = new Set([value, four, one]);
    releaseBuffers(value);
    equal(
      buffers.map(({ byteLength }) => byteLength),
      buffers.map(() => ("transfer" in ArrayBuffer.prototype ? 0 : 100)),
    );
    // Of a value of many parts only some are searched, however many there are.
    releaseBuffers(Array.from({ length: 1_000_000 }, () => ({})));
  },
  "exports a database that is not there as an error and makes none": async () => {
    equal(await codeOf(snapshotOf("no such database")), "EXPORT_FAILED");
    equal(await exists("no such database"), false);
  },

  "exports a database without object stores and with empty ones": async () => {
    (await create("nothing", () => undefined, 4)).close();
    (await create("empty", (upgrading) => upgrading.createObjectStore("a"))).close();
    equal((await importFresh(await snapshotOf("nothing"), { into: "nothing-2" })).version, 4);
    equal((await importFresh(await snapshotOf("empty"), { into: "empty-2" })).stores[0]!.added, 0);
  },

  "allows one export of a database at a time": async () => {
    const db = await create("busy", (upgrading) => upgrading.createObjectStore("a"));
    // More than the stream holds ready, and not to be compressed: the first export can't end before it is read.
    const random = () => crypto.getRandomValues(new Uint8Array(60_000));
    await put(db, "a", [
      [1, random()],
      [2, new Blob(Array.from({ length: 70 }, random))],
    ]);
    const first = exportDB("busy", { worker: false }).getReader();
    await first.read();
    equal(await codeOf(snapshotOf("busy")), "EXPORT_BUSY");
    await first.cancel();
    await snapshotOf("busy");
    db.close();
  },

  "refuses what cannot leave the device, or replaces or skips it by policy": async () => {
    const db = await create("keys only here", (upgrading) => upgrading.createObjectStore("a"));
    const secret = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt"]);
    const root = await navigator.storage.getDirectory();
    const handle = await root.getFileHandle("some file", { create: true });
    await put(db, "a", [
      ["key", { secret }],
      ["handle", [handle]],
      ["plain", 1],
    ]);
    await root.removeEntry("some file");
    equal(await codeOf(snapshotOf(db)), "SNAPSHOT_VALUE_UNSUPPORTED");
    const placeholders = await importFresh(await snapshotOf(db, { onUnportable: "placeholder" }), {
      into: "placeholders",
    });
    equal(placeholders.stores[0]!.added, 3);
    const copy = await open("placeholders");
    const kept = (await answer(copy.transaction("a").objectStore("a").get("key"))) as {
      secret: { unportable: { type: string } };
    };
    equal(kept.secret.unportable.type, "CryptoKey");
    copy.close();
    equal(
      (await importFresh(await snapshotOf(db, { onUnportable: "skip" }), { into: "skipped" })).stores[0]!
        .added,
      1,
    );
    db.close();
  },

  "describes every object that cannot leave the device": async () => {
    const root = await navigator.storage.getDirectory();
    const objects: Record<string, object> = {
      FileSystemDirectoryHandle: await root.getDirectoryHandle("some folder", { create: true }),
      RTCCertificate: await RTCPeerConnection.generateCertificate({
        name: "ECDSA",
        namedCurve: "P-256",
      } as AlgorithmIdentifier),
      ImageBitmap: await createImageBitmap(new ImageData(1, 1)),
    };
    const db = await create("descriptions", (upgrading) => {
      upgrading.createObjectStore("a");
      upgrading.createObjectStore("b", { keyPath: "id" });
    });
    const stored: string[] = [];
    for (const [type, object] of Object.entries(objects)) {
      try {
        await put(db, "a", [[type, [object]]]);
        stored.push(type);
      } catch (error) {
        // Not every browser stores each of them.
        equal((error as Error).name, "DataCloneError");
      }
    }
    await root.removeEntry("some folder");
    equal(stored.includes("FileSystemDirectoryHandle"), true);
    // A worker cannot read an RTCCertificate, which only windows know: the export goes on in the page.
    await importFresh(await snapshotOf(db, { onUnportable: "placeholder" }), { into: "descriptions-2" });
    // A worker that was demanded says so, where null can't be the value itself.
    if (stored.includes("RTCCertificate")) {
      await answer(
        db.transaction("b", "readwrite").objectStore("b").put({ id: 1, certificate: objects.RTCCertificate }),
      );
      const options = { stores: ["b"], onUnportable: "placeholder", worker: true } as const;
      equal(await codeOf(snapshotOf(db, options)), "EXPORT_NEEDS_PAGE");
    }
    const copy = await open("descriptions-2");
    for (const type of stored) {
      const [kept] = (await answer(copy.transaction("a").objectStore("a").get(type))) as [
        { unportable: { type: string; reason: string } },
      ];
      equal(kept.unportable.type, type);
      equal(kept.unportable.reason.length > 20, true, kept.unportable.reason);
    }
    copy.close();
    db.close();
  },

  "says when other connections block the upgrade, and changes nothing": async () => {
    const source = await create("upgrade", (upgrading) => upgrading.createObjectStore("a"), 2);
    await put(source, "a", [[1, "x"]]);
    const snapshot = await snapshotOf(source);
    source.close();
    const holder = await create("held", (upgrading) => upgrading.createObjectStore("old"), 1);
    equal(await codeOf(importDB(snapshot, { into: "held" })), "IMPORT_BLOCKED");
    holder.close();
    const after = await open("held");
    equal([after.version, Array.from(after.objectStoreNames)], [1, ["old"]]);
    after.close();
    equal(await unfinishedImports(), []);
    const result = await importDB(snapshot, { into: "held" });
    equal([result.version, result.created, result.stores[0]!.added], [2, false, 1]);
  },

  "refuses a database of a higher version unless told to keep it": async () => {
    const source = await create("lower", (upgrading) => upgrading.createObjectStore("a"), 2);
    await put(source, "a", [[1, "x"]]);
    const snapshot = await snapshotOf(source);
    source.close();
    (await create("higher", (upgrading) => upgrading.createObjectStore("a"), 5)).close();
    equal(await codeOf(importDB(snapshot, { into: "higher" })), "IMPORT_VERSION_LOWER");
    const result = await importDB(snapshot, { into: "higher", version: "keep" });
    equal([result.version, result.stores[0]!.added], [5, 1]);
  },

  "refuses every cut file before it writes anything": async () => {
    const db = await create("cut", (upgrading) => upgrading.createObjectStore("a"));
    await put(
      db,
      "a",
      Array.from({ length: 200 }, (_, at) => [at, { text: `record ${at}` }] as const),
    );
    const snapshot = await snapshotOf(db);
    for (const share of [0, 0.2, 0.5, 0.8, 0.95, 0.99]) {
      const code = await codeOf(
        importDB(snapshot.slice(0, Math.floor(snapshot.size * share)), { into: "cut-2" }),
      );
      if (!["SNAPSHOT_TRUNCATED", "SNAPSHOT_EMPTY"].includes(code)) throw new Error(`${share}: ${code}`);
    }
    const bytes = new Uint8Array(await snapshot.arrayBuffer());
    bytes[Math.floor(bytes.length / 3)]! ^= 1;
    equal((await codeOf(importDB(bytes, { into: "cut-2" }))).startsWith("SNAPSHOT_"), true);
    equal(await exists("cut-2"), false);
    db.close();
  },

  "takes a new database back when the import is stopped": async () => {
    const db = await create("many", (upgrading) => upgrading.createObjectStore("a"));
    await put(
      db,
      "a",
      Array.from({ length: 150 }, (_, at) => [at, crypto.getRandomValues(new Uint8Array(60_000))] as const),
    );
    const snapshot = await snapshotOf(db);
    db.close();
    const stop = new AbortController();
    const onProgress = ({ phase, records }: { phase: string; records: number }) => {
      if (phase === "import" && records > 0) stop.abort();
    };
    equal(
      await codeOf(importDB(snapshot, { into: "stopped", signal: stop.signal, onProgress })),
      "IMPORT_ABORTED",
    );
    equal(await exists("stopped"), false);
    equal(await unfinishedImports(), []);
  },

  "finishes a stopped import into an existing database when it is run again": async () => {
    const db = await create("again", (upgrading) => upgrading.createObjectStore("a"));
    await put(
      db,
      "a",
      Array.from({ length: 150 }, (_, at) => [at, crypto.getRandomValues(new Uint8Array(60_000))] as const),
    );
    const snapshot = await snapshotOf(db);
    (await create("there", (upgrading) => upgrading.createObjectStore("a"))).close();
    const stop = new AbortController();
    const onProgress = ({ phase, records }: { phase: string; records: number }) => {
      if (phase === "import" && records > 0) stop.abort();
    };
    equal(
      await codeOf(importDB(snapshot, { into: "there", signal: stop.signal, onProgress, worker: false })),
      "IMPORT_ABORTED",
    );
    equal(
      (await unfinishedImports()).map(({ database }) => database),
      ["there"],
    );
    const result = await importDB(snapshot, { into: "there" });
    equal([result.resumed, result.stores[0]!.added + result.stores[0]!.unchanged], [true, 150]);
    if (result.stores[0]!.unchanged === 0) throw new Error("nothing of the first import was kept");
    const copy = await open("there");
    equal(
      await difference(
        await answer(db.transaction("a").objectStore("a").getAll()),
        await answer(copy.transaction("a").objectStore("a").getAll()),
      ),
      "",
    );
    equal(await unfinishedImports(), []);
    db.close();
    copy.close();
  },

  "resolves conflicts by each policy": async () => {
    const db = await create("coming", (upgrading) => upgrading.createObjectStore("a", { keyPath: "id" }));
    await put(db, "a", [
      [undefined, { id: "same", at: 1 }],
      [undefined, { id: "newer", at: 5 }],
      [undefined, { id: "older", at: 1 }],
      [undefined, { id: "free", at: 1 }],
    ]);
    const snapshot = await snapshotOf(db);
    db.close();
    const results: Record<string, unknown> = {};
    for (const onConflict of ["fail", "skip", "overwrite", "newer"] as const) {
      const into = await create("conflicts", (upgrading) =>
        upgrading.createObjectStore("a", { keyPath: "id" }),
      );
      await put(into, "a", [
        [undefined, { id: "same", at: 1 }],
        [undefined, { id: "newer", at: 3, old: true }],
        [undefined, { id: "older", at: 3, old: true }],
      ]);
      const options = { into: "conflicts", onConflict, ...(onConflict === "newer" && { newerBy: "at" }) };
      results[onConflict] = await importDB(snapshot, options).then(
        ({
          stores: [
            { added, overwritten, skipped, unchanged } = {
              added: 0,
              overwritten: 0,
              skipped: 0,
              unchanged: 0,
            },
          ],
        }) => [added, overwritten, skipped, unchanged],
        (error: unknown) => (error as { code: string }).code,
      );
      results[`${onConflict} keeps`] = (
        (await answer(into.transaction("a").objectStore("a").getAll())) as { old?: boolean }[]
      ).filter(({ old }) => old).length;
      into.close();
    }
    equal(results, {
      fail: "IMPORT_CONFLICT",
      "fail keeps": 2,
      skip: [1, 0, 2, 1],
      "skip keeps": 2,
      overwrite: [1, 2, 0, 1],
      "overwrite keeps": 0,
      newer: [1, 1, 1, 1],
      "newer keeps": 1,
    });
  },

  "falls back to the page when the worker's script is not there": async () => {
    const db = await create("fallback", (upgrading) => upgrading.createObjectStore("a"));
    await put(db, "a", [[1, 1]]);
    equal((await codeOf(snapshotOf(db, { worker: "/no-such-worker.js" }))).startsWith("TypeError"), true);
    await snapshotOf(db, { worker: false, filter: () => true });
    equal((await codeOf(snapshotOf(db, { worker: true, filter: () => true }))).startsWith("TypeError"), true);
    db.close();
  },

  "removes what a crashed tab left in the private file system": async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle(".beam-indexeddb", { create: true });
    await folder.getFileHandle("left-behind", { create: true });
    const db = await create("stale", (upgrading) => upgrading.createObjectStore("a"));
    await snapshotOf(db, { worker: true, staging: "opfs" });
    equal(await stagingFiles(), []);
    db.close();
  },

  "allows neither eval nor foreign scripts on this site": async () => {
    let allowed = true;
    try {
      // eslint-disable-next-line no-new-func, @typescript-eslint/no-implied-eval -- the point of this case
      new Function();
    } catch {
      allowed = false;
    }
    equal(allowed, false);
    await remove("nothing");
  },
};
