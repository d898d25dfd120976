import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convertFile, openSnapshot } from "../../io/index.js";
import { SnapshotBlob, type SnapshotRecord } from "../../snapshot/index.js";
import { structuredDifference } from "../structured-difference.js";
import { findBrowser, isMissing } from "./harness.js";

/** Runs in the page and here: what is in the database. */
function makeValues(): Record<string, unknown> {
  const shared = { inside: 1 };
  // The Date keeps Playwright from taking it for plain JSON, which it then could not write.
  const cycle: Record<string, unknown> = { name: "cycle", at: new Date(1), shared, again: shared };
  cycle.self = cycle;
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
  return {
    plain: { text: "a", number: 1.5, yes: true, none: null, list: [1, "two", { three: 3 }] },
    empty: {},
    undefined: { a: undefined, b: 1 },
    numbers: [NaN, Infinity, -Infinity],
    date: new Date(86_400_000),
    invalidDate: { at: new Date(NaN) },
    bigint: { big: 12345678901234567890n, small: -1n },
    regexp: /a.b/gi,
    map: new Map<unknown, unknown>([
      ["a", new Date(5)],
      [{ k: 1 }, new Map([[1, 2]])],
    ]),
    set: new Set<unknown>(["a", 1, { b: 2 }]),
    cycle,
    bytes: new Uint8Array([1, 2, 255]),
    floats: new Float64Array([1.5, -2.5]),
    buffer: { bytes: buffer },
    surrogate: "a\ud800b",
    "key.with~dots": { "in.side": new Date(7), "~": undefined },
    types: { $types: "mine", at: new Date(3) },
    nested: { a: [{ b: [new Date(1), { c: new Set([1n]) }] }] },
    text: "just text",
    long: "x".repeat(100_000),
  };
}

/** Only some tools keep these. */
function makeMore(): Record<string, unknown> {
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
  return {
    sparse: Object.assign([1, , 3], { extra: "x" }),
    boxed: [Object("a"), Object(2), Object(false), Object(3n)],
    view: { a: new Uint8Array(buffer, 2, 3), b: new DataView(buffer, 1, 4) },
    bigints: new BigInt64Array([1n, -1n]),
    error: new RangeError("too far"),
    blob: new Blob(["blob text"], { type: "text/plain" }),
    file: new File([new Uint8Array([0, 128, 255])], "a.bin", { type: "x/y", lastModified: 9 }),
  };
}

let server: Server;
let files: { dexie: string; storage: string };
let folder: string;

async function dexieBundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import Dexie from "dexie"; import { exportDB } from "dexie-export-import";
        window.dump = async (name) => { const db = await new Dexie(name).open(); return (await exportDB(db)).text(); };`,
      resolveDir: fileURLToPath(new URL("../..", import.meta.url)),
    },
    bundle: true,
    format: "iife",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "beam-indexeddb-convert-"));
  const script = await dexieBundle();
  server = createServer((_request, response) => {
    response.setHeader("content-type", "text/html").end("<!doctype html><title>test</title>");
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const browser = await chromium.launch({
    executablePath: findBrowser("chromium")!,
    args: ["--no-sandbox", "--disable-background-networking", "--no-first-run"],
  });
  try {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    await page.addScriptTag({ content: script });
    await page.addScriptTag({ content: `${makeValues.toString()}\n${makeMore.toString()}` });
    const dexie = await page.evaluate(
      async ([values, more]) => {
        const open = indexedDB.open("app", 3);
        const db = await new Promise<IDBDatabase>((done, failed) => {
          open.onupgradeneeded = () => {
            const loose = open.result.createObjectStore("loose");
            loose.createIndex("by_text", "text", { unique: false });
            const items = open.result.createObjectStore("items", { keyPath: "id", autoIncrement: true });
            items.createIndex("by_tags", "tags", { multiEntry: true });
            items.createIndex("by_pair", ["a", "b"], { unique: true });
            open.result.createObjectStore("pairs", { keyPath: ["a.x", "b"] });
            open.result.createObjectStore("empty");
          };
          open.onsuccess = () => {
            done(open.result);
          };
          open.onerror = () => {
            failed(open.error!);
          };
        });
        const make = (name: string) =>
          (window as unknown as Record<string, () => Record<string, unknown>>)[name]!();
        const tx = db.transaction(["loose", "items", "pairs"], "readwrite");
        for (const [key, value] of Object.entries({ ...make(values!), ...make(more!) }))
          tx.objectStore("loose").put(value, key);
        tx.objectStore("loose").put("date key", new Date(5));
        tx.objectStore("loose").put("binary key", new Uint8Array([1, 2]));
        tx.objectStore("loose").put("list key", [1, "a", new Date(1)]);
        for (let i = 0; i < 5; i++)
          tx.objectStore("items").put({ tags: ["t", `t${i}`], a: i, b: new Date(i) });
        tx.objectStore("items").delete(5);
        tx.objectStore("pairs").put({ a: { x: 1 }, b: new Date(2), c: 3n });
        await new Promise((done) => {
          tx.oncomplete = done;
        });
        db.close();
        return (window as unknown as { dump(name: string): Promise<string> }).dump("app");
      },
      ["makeValues", "makeMore"],
    );
    files = { dexie: join(folder, "dump.json"), storage: join(folder, "state.json") };
    writeFileSync(files.dexie, dexie);
    writeFileSync(files.storage, JSON.stringify(await context.storageState({ indexedDB: true })));
  } finally {
    await browser.close();
  }
}, 120_000);

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function convert(name: "dexie" | "storage") {
  const output = join(folder, `${name}.idbsnap`);
  const report = await convertFile(files[name], output, { device: "d", capturedAt: 5 });
  const reader = await openSnapshot(output);
  await reader.verify();
  const records = new Map<string, SnapshotRecord>();
  for await (const record of reader.records()) records.set(`${record.store} ${record.describeKey()}`, record);
  return { report, reader, records };
}

/** Names of the values that did not come back as they were. */
function changed(records: ReadonlyMap<string, SnapshotRecord>, expected: Record<string, unknown>): string[] {
  return Object.entries(expected).flatMap(([key, value]) => {
    const record = records.get(`loose ${JSON.stringify(key)}`);
    return record && structuredDifference(record.value, value) === undefined ? [] : [key];
  });
}

describe.skipIf(isMissing("chromium"))("files that other tools wrote in a real browser", () => {
  test("dexie-export-import: every value that the file holds comes back, the rest is named", async () => {
    const { report, reader, records } = await convert("dexie");
    expect(changed(records, makeValues())).toEqual([]);
    expect(changed(records, makeMore())).toEqual(["boxed", "view", "bigints", "error", "blob", "file"]);
    // Its own writer says true of every Boolean object, and gives a DataView a buffer of its own.
    expect(records.get('loose "boxed"')?.value).toEqual([Object("a"), Object(2), Object(true), Object(3n)]);
    expect(records.get('loose "error"')?.value).toEqual({});
    const blob = records.get('loose "blob"')?.value as SnapshotBlob;
    expect(blob).toBeInstanceOf(SnapshotBlob);
    expect(Buffer.from(await reader.attachment(blob.sha256)!.slice(0, blob.size)).toString()).toBe(
      "blob text",
    );
    const file = records.get('loose "file"')?.value as SnapshotBlob;
    expect(file).toMatchObject({ name: "a.bin", type: "x/y", lastModified: 9, size: 3 });
    expect([...(await reader.attachment(file.sha256)!.slice(0, 3))]).toEqual([0, 128, 255]);
    expect(reader.schema).toMatchObject({ name: "app", version: 3 });
    expect(
      reader.schema.objectStores.map(({ name, keyPath, autoIncrement }) => [name, keyPath, autoIncrement]),
    ).toEqual([
      ["empty", null, false],
      ["items", "id", true],
      ["loose", null, false],
      ["pairs", ["a.x", "b"], false],
    ]);
    expect(reader.schema.objectStores[1]!.indexes).toEqual([
      { name: "[a+b]", keyPath: ["a", "b"], unique: true, multiEntry: false },
      { name: "tags", keyPath: "tags", unique: false, multiEntry: true },
    ]);
    expect(records.size).toBe(27 + 3 + 4 + 1);
    expect(report).toMatchObject({
      format: "dexie-export-import",
      database: "app",
      version: 3,
      complete: true,
    });
    expect(report.issues.map(({ code, store }) => `${code} ${store ?? ""}`.trim()).sort()).toEqual([
      "GENERATOR_POSITION_LOST items",
      "INDEX_NAMES_LOST items",
      "INDEX_NAMES_LOST loose",
      "TYPES_LOST",
    ]);
    await reader.close();
  });

  test("Playwright: every value that the file holds comes back, the rest is named", async () => {
    const { report, reader, records } = await convert("storage");
    expect(changed(records, makeValues())).toEqual([]);
    expect(changed(records, makeMore())).toEqual(["sparse", "boxed", "view", "blob", "file"]);
    expect(records.get('loose "error"')?.value).toMatchObject({ name: "RangeError", message: "too far" });
    expect(reader.schema.objectStores.find(({ name }) => name === "items")).toEqual({
      name: "items",
      keyPath: "id",
      autoIncrement: true,
      keyGenerator: undefined,
      indexes: [
        { name: "by_pair", keyPath: ["a", "b"], unique: true, multiEntry: false },
        { name: "by_tags", keyPath: "tags", unique: false, multiEntry: true },
      ],
    });
    expect(records.size).toBe(27 + 3 + 4 + 1);
    expect(report).toMatchObject({
      format: "playwright-storage-state",
      database: "app",
      version: 3,
      complete: true,
    });
    expect(report.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(report.issues.map(({ code, store }) => `${code} ${store ?? ""}`.trim()).sort()).toEqual([
      "EMPTY_OBJECTS loose",
      "GENERATOR_POSITION_LOST items",
      "INVALID_DATES loose",
      "TYPES_LOST",
    ]);
    await reader.close();
  });
});
