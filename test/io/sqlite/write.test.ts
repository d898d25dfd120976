import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { create, registerFunctions, runDirect } from "../../../beam/index.js";
import type { FailedRecord } from "../../../io/failed-record.js";
import { openSqlite } from "../../../io/sqlite/sqlite-driver.js";
import { type WriteToSqliteOptions, writeToSqlite } from "../../../io/sqlite/write.js";
import type { TableCounts } from "../../../io/table/table-counts.js";
import { SnapshotRecord, isSnapshotError } from "../../../snapshot/index.js";
import { type StoreAdapter, type StoreUnderTest, describeStore } from "../../suites/store-suite.js";
import { readSqliteTable } from "./sqlite-store.js";

/** What the pipeline under test put out: the direct runner runs in this process. */
let failedRecords: FailedRecord[] = [];
let tableCounts: TableCounts[] = [];

function keepFailed(failed: FailedRecord): void {
  failedRecords.push(failed);
}

function keepCounts(counts: TableCounts): void {
  tableCounts.push(counts);
}

registerFunctions("test/io/sqlite/write", { keepFailed, keepCounts });

async function run(
  file: string,
  records: readonly SnapshotRecord[],
  options: WriteToSqliteOptions = {},
): Promise<Awaited<ReturnType<typeof runDirect>>> {
  failedRecords = [];
  tableCounts = [];
  return runDirect((root) => {
    const written = root.apply(create(records)).apply(writeToSqlite(file, options));
    written.tables.map(keepCounts);
    return written.failedRecords.map(keepFailed);
  });
}

const pipelineAdapter: StoreAdapter = {
  name: "writeToSqlite on the direct runner",
  open: () => {
    const folder = mkdtempSync(join(tmpdir(), "write-to-sqlite-"));
    const file = join(folder, "out", "test.sqlite");
    const withDatabase = <T>(body: (database: ReturnType<typeof openSqlite>) => T): T => {
      const database = openSqlite(file, 1000);
      try {
        return body(database);
      } finally {
        database.close();
      }
    };
    const store: StoreUnderTest = {
      write: async (bundles, options = {}) => {
        await run(file, bundles.flat(), options);
        return {
          failed: failedRecords.map(({ store = "", error }) => ({ store, code: error.code })),
        };
      },
      read: (name, databaseName) =>
        Promise.resolve().then(() =>
          withDatabase((database) => readSqliteTable(database, name, databaseName)),
        ),
      makeForeignTable: (name) => {
        const made = new Promise<void>((resolve) => {
          resolve();
        });
        return made
          .then(() => run(file, [SnapshotRecord.of({ store: "first", key: 1, value: {} })]))
          .then(() => {
            withDatabase((database) => {
              database.exec(`CREATE TABLE "${name}" (x)`);
            });
          });
      },
      close: () => {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    };
    return Promise.resolve(store);
  },
};

describeStore(pipelineAdapter);

describe("writeToSqlite", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "write-to-sqlite-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const notes = (count: number, store = "notes"): SnapshotRecord[] =>
    Array.from({ length: count }, (_, i) => SnapshotRecord.of({ store, key: i, value: { n: i } }));

  test("says for every table what it did", async () => {
    const file = join(folder, "a.sqlite");
    const records = [...notes(25), ...notes(3, "tags")];
    await run(file, records, { batchRows: 10 });
    expect(tableCounts.sort((a, b) => (a.table < b.table ? -1 : 1))).toMatchObject([
      { store: "notes", table: "notes", upserted: 25, deleted: 0, unchanged: 0 },
      { store: "tags", table: "tags", upserted: 3, deleted: 0, unchanged: 0 },
    ]);
    await run(file, records);
    expect(tableCounts.map(({ unchanged }) => unchanged).sort()).toEqual([25, 3]);
  });

  test("no records make no file", async () => {
    const file = join(folder, "a.sqlite");
    await run(file, []);
    expect(existsSync(file)).toBe(false);
  });

  test("a failed record says which one and why, never its value, and is counted", async () => {
    const origin = { device: "", snapshot: "", capturedAt: 1e300, sequence: 0 };
    const bad = SnapshotRecord.of({ store: "notes", key: ["a", 1], value: { a: "secret" }, origin });
    const { metrics } = await run(join(folder, "a.sqlite"), [bad], { onError: "failedRecords" });
    expect(failedRecords).toHaveLength(1);
    expect(failedRecords[0]).toMatchObject({ store: "notes", error: { code: "STORE_CONSTRAINT" } });
    expect(failedRecords[0]!.key).toContain("a");
    expect(JSON.stringify(failedRecords)).not.toContain("secret");
    expect(metrics.counters["sqlite/failedRecords/notes"]).toBe(1);
  });

  test("a store without given columns is refused by name", async () => {
    const options = { columns: { notes: { n: "number" } }, onError: "failedRecords" } as const;
    await run(join(folder, "a.sqlite"), [...notes(1), ...notes(1, "tags")], options);
    expect(failedRecords.map(({ error }) => error.message)).toEqual([
      expect.stringContaining('No columns are given for the object store "tags"'),
    ]);
  });

  describe("errors of the place", () => {
    const failure = async (file: string, options?: WriteToSqliteOptions): Promise<unknown> =>
      run(file, notes(1), options).then(
        () => undefined,
        (error: unknown) => error,
      );

    test("a folder that cannot be made", async () => {
      writeFileSync(join(folder, "file"), "");
      const error = await failure(join(folder, "file", "a.sqlite"));
      expect(isSnapshotError(error, "FILE_NOT_WRITABLE")).toBe(true);
    });

    test("a folder in place of the file", async () => {
      expect(isSnapshotError(await failure(folder), "FILE_NOT_WRITABLE")).toBe(true);
    });

    test("a file that is no database is left alone", async () => {
      const file = join(folder, "a.sqlite");
      writeFileSync(
        file,
        "this is a text, and rather longer than the header of a database would be.".repeat(20),
      );
      expect(await failure(file)).toMatchObject({ code: "STORE_CONSTRAINT", file });
    });

    test("a database that another writer keeps locked", async () => {
      const file = join(folder, "a.sqlite");
      const other = openSqlite(file, 0);
      other.exec("BEGIN IMMEDIATE");
      expect(await failure(file, { busyTimeoutMs: 20 })).toMatchObject({ code: "STORE_UNAVAILABLE" });
      other.exec("ROLLBACK");
      other.close();
      expect(await failure(file, { busyTimeoutMs: 20 })).toBeUndefined();
    });
  });

  describe("misuse is a TypeError when the pipeline is built", () => {
    test.each<[string, unknown, RegExp]>([
      ["", {}, /path of the database file/],
      [":memory:", {}, /memory/],
      ["gs://bucket/a.sqlite", {}, /local disk/],
      ["a", { verionBy: "x" }, /no option "verionBy"/],
      ["a", { deletes: "maybe" }, /"soft" or "hard"/],
      ["a", { onError: "ignore" }, /"fail" or "failedRecords"/],
      ["a", { batchRows: 0 }, /whole number from 1/],
      ["a", { busyTimeoutMs: 1.5 }, /whole number/],
      ["a", { columns: { notes: { n: "varchar" } } }, /notes.n is of kind "varchar"/],
      ["a", { tables: { notes: "" } }, /empty name/],
      ["a", { versionBy: "" }, /versionBy is empty/],
    ])("%j %j", (file, options, message) => {
      const build = (): unknown => writeToSqlite(file, options as WriteToSqliteOptions);
      expect(build).toThrow(TypeError);
      expect(build).toThrow(message);
    });
  });
});
