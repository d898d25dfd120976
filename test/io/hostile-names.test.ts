import { mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { create, registerFunctions, runDirect, withName } from "../../beam/index.js";
import {
  openSnapshot,
  writeToIndexedDB,
  type WriteToIndexedDBOptions,
  writeToSqlite,
  type WrittenFile,
} from "../../io/index.js";
import type { TableCounts } from "../../io/table/table-counts.js";
import { type DatabaseSchema, encodeSchema, SnapshotRecord } from "../../snapshot/index.js";
import { temporaryFolder } from "../temporary-folder.js";

/** Names that a page may give its databases, object stores and devices, and that a file system or a shell takes for something else. */
const names = [
  "../../x",
  "..",
  ".",
  "/etc/passwd",
  "C:\\Windows\\x",
  "\\\\server\\share",
  "a\0b",
  "\0",
  "CON",
  "con.txt",
  "LPT1",
  "-rf",
  "--help",
  "$(id)",
  "`id`",
  "x\ny",
  "x\r",
  " ",
  "ends in a dot.",
  "ends in a space ",
  ".hidden",
  "~",
  "%002e",
  "x-00000-of-00001",
  "x.idbsnap",
  "stream:ads",
  "\u202egnp.exe",
  "\ud800",
  "e\u0301",
  "\u00e9",
  "__proto__",
  "constructor",
  'quo"te',
  "sqlite_master",
  "'; DROP TABLE x; --",
  "x".repeat(5000),
] as const;

let files: string[] = [];
let tables: TableCounts[] = [];
function keepFile({ file }: WrittenFile): void {
  files.push(file);
}
function keepTable(counts: TableCounts): void {
  tables.push(counts);
}
registerFunctions("test/io/hostile-names", { keepFile, keepTable });

const schemaOf = (name: string, stores: readonly string[]): DatabaseSchema => ({
  name,
  version: 1,
  objectStores: stores.map((store) => ({ name: store, keyPath: null, autoIncrement: false, indexes: [] })),
});

const record = (database: string, store: string, device: string) =>
  SnapshotRecord.of({
    database,
    store,
    key: 1,
    value: { n: 1 },
    origin: { device, snapshot: "", capturedAt: 1, sequence: 0 },
  });

/** Writes below "inner/out" of a folder, and gives the files in "out" after a look that nothing lies anywhere else. */
async function written(
  records: readonly SnapshotRecord<unknown, unknown>[],
  schemas: readonly DatabaseSchema[],
  options: WriteToIndexedDBOptions,
): Promise<string[]> {
  const folder = temporaryFolder();
  const out = join(folder, "inner", "out");
  mkdirSync(out, { recursive: true });
  files = [];
  await runDirect((root) => {
    const schema = root.apply(withName("schemas", create(schemas.map(encodeSchema))));
    root
      .apply(create(records as readonly SnapshotRecord[]))
      .apply(writeToIndexedDB(`${out}/`, { schema, ...options }))
      .filesWritten.map(keepFile);
  });
  expect([readdirSync(folder), readdirSync(join(folder, "inner"))]).toEqual([["inner"], ["out"]]);
  const found = readdirSync(out);
  expect(files.map((file) => basename(file)).sort()).toEqual([...found].sort());
  for (const name of found) expect(name).toMatch(/^[A-Za-z0-9%~_][A-Za-z0-9._ %~-]*\.idbsnap$/);
  return found.map((name) => join(out, name));
}

test("databases of any name become snapshots that keep the name and stay in their folder", async () => {
  const paths = await written(
    names.map((name) => record(name, "store", "phone")),
    names.map((name) => schemaOf(name, ["store"])),
    { destination: "database", shardNameTemplate: "" },
  );
  const found: string[] = [];
  for (const path of paths) {
    await using snapshot = await openSnapshot(path);
    await snapshot.verify();
    found.push(snapshot.schema.name);
  }
  expect(found.sort()).toEqual([...names].sort());
});

test("devices of any name become snapshots that keep the name and stay in their folder", async () => {
  const paths = await written(
    names.map((name) => record("db", "store", name)),
    [schemaOf("db", ["store"])],
    { destination: "device", shardNameTemplate: "" },
  );
  const found: string[] = [];
  for (const path of paths) {
    await using snapshot = await openSnapshot(path);
    found.push(snapshot.header.origin.device);
  }
  expect(found.sort()).toEqual([...names].sort());
});

test("object stores of any name come back from a snapshot", async () => {
  const [path] = await written(
    names.map((name) => record("db", name, "phone")),
    [schemaOf("db", names)],
    { destination: "database" },
  );
  await using snapshot = await openSnapshot(path!);
  await snapshot.verify();
  for (const name of names) expect(await snapshot.get(name, 1), name).toMatchObject({ store: name });
});

test("object stores of any name become tables of their own", async () => {
  const folder = temporaryFolder();
  tables = [];
  await runDirect((root) => {
    root
      .apply(create(names.map((name) => record("db", name, "phone")) as unknown as readonly SnapshotRecord[]))
      .apply(writeToSqlite(join(folder, "inner", "x.sqlite")))
      .tables.map(keepTable);
  });
  expect(readdirSync(folder)).toEqual(["inner"]);
  for (const name of readdirSync(join(folder, "inner"))) expect(name).toMatch(/^x\.sqlite(-wal|-shm)?$/);
  expect(tables.map(({ store }) => store).sort()).toEqual([...names].sort());
  expect(new Set(tables.map(({ table }) => table.toLowerCase())).size).toBe(names.length);
});
