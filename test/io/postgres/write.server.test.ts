import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { create, registerFunctions, runDirect } from "../../../beam/index.js";
import type { FailedRecord } from "../../../io/failed-record.js";
import { type WriteToPostgresOptions, writeToPostgres } from "../../../io/postgres/write.js";
import type { TableCounts } from "../../../io/table/table-counts.js";
import { SnapshotRecord } from "../../../snapshot/index.js";
import { type StoreAdapter, describeStore } from "../../suites/store-suite.js";
import { restoreValues } from "../../suites/stored-row.js";
import { type PostgresServer, startPostgres } from "./postgres-server.js";
import { readPostgresTable, withClient } from "./postgres-store.js";

/** What the pipeline under test put out: the direct runner runs in this process. */
let failedRecords: FailedRecord[] = [];
let tableCounts: TableCounts[] = [];

function keepFailed(failed: FailedRecord): void {
  failedRecords.push(failed);
}

function keepCounts(counts: TableCounts): void {
  tableCounts.push(counts);
}

registerFunctions("test/io/postgres/write", { keepFailed, keepCounts });

async function run(
  url: string,
  records: readonly SnapshotRecord[],
  options: WriteToPostgresOptions = {},
): Promise<Awaited<ReturnType<typeof runDirect>>> {
  failedRecords = [];
  tableCounts = [];
  return runDirect((root) => {
    const written = root.apply(create(records)).apply(writeToPostgres(url, options));
    written.tables.map(keepCounts);
    return written.failedRecords.map(keepFailed);
  });
}

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

let places = 0;
const adapter: StoreAdapter = {
  name: "writeToPostgres on the direct runner",
  open: () => {
    // A schema is as good as a database, and made in no time.
    const schema = `Place "${places++}"`;
    const url = server.url();
    return Promise.resolve({
      write: async (bundles, options = {}) => {
        await run(url, bundles.flat(), { ...options, schema });
        return { failed: failedRecords.map(({ store = "", error }) => ({ store, code: error.code })) };
      },
      read: (name, database) =>
        withClient(url, (client) => readPostgresTable(client, schema, name, database)),
      makeForeignTable: async (name) => {
        const quoted = schema.replaceAll('"', '""');
        await server.query("postgres", `CREATE SCHEMA "${quoted}"`);
        await server.query("postgres", `CREATE TABLE "${quoted}"."${name}" (x int)`);
      },
      close: async () => {
        await server.query("postgres", `DROP SCHEMA IF EXISTS "${schema.replaceAll('"', '""')}" CASCADE`);
      },
    });
  },
};

describeStore(adapter);

describe("writeToPostgres", () => {
  test("says for every table what it did, through COPY as well as through JSON", async () => {
    const database = await server.createDatabase();
    const notes = Array.from({ length: 12_000 }, (_, i) =>
      SnapshotRecord.of({ store: "notes", key: i, value: { n: i, text: `a\tb\\n\n${i}` } }),
    );
    const tags = notes.slice(0, 3).map(({ key }) => SnapshotRecord.of({ store: "tags", key, value: {} }));
    await run(server.url(database), [...notes, ...tags], { batchRows: 5_500 });
    expect(tableCounts.sort((a, b) => (a.table < b.table ? -1 : 1))).toMatchObject([
      { store: "notes", table: "notes", upserted: 12_000, deleted: 0, unchanged: 0 },
      { store: "tags", table: "tags", upserted: 3, deleted: 0, unchanged: 0 },
    ]);
    const rows = await server.query(
      database,
      `SELECT count(*)::int AS count, sum(n)::int AS sum, count(*) FILTER (WHERE text = E'a\\tb\\\\n\\n' || n)::int AS exact FROM notes`,
    );
    expect(rows).toEqual([{ count: 12_000, sum: (12_000 * 11_999) / 2, exact: 12_000 }]);
    await run(server.url(database), [...notes, ...tags]);
    expect(tableCounts.map(({ unchanged }) => unchanged).sort((a, b) => a - b)).toEqual([3, 12_000]);
  });

  test("COPY and JSON write the same rows, of every kind of value", async () => {
    const database = await server.createDatabase();
    const values = [
      { a: true, b: Number.MAX_SAFE_INTEGER, c: 1.5, d: 2n ** 62n, e: "é😀\t\\N\r\n", f: new Date(0) },
      { a: false, b: -Number.MAX_SAFE_INTEGER, c: -Infinity, d: -(2n ** 63n), e: "", f: new Date(8.64e15) },
      { a: null, b: -1, c: 5e-324, d: 0n, e: "null", f: new Date(-210_000_000_000_000) },
      { b: 2 ** 32, c: Number.MAX_VALUE, d: -1n, e: "x".repeat(200_000), f: new Date(1714557600123) },
      { b: 0, c: 0.1, f: new Date(-1), g: new Uint8Array([0, 255]), h: { "\0": "\ud800", n: [NaN] } },
      { b: -(2 ** 32), c: -0, g: new Float32Array([1]), h: new Map([["k", 1n]]), lists: [1, "x", { y: -0 }] },
    ];
    const records = Array.from({ length: 5_100 }, (_, i) => {
      const value = values[i < values.length ? i : (i % 3) + 4]!;
      const origin = { device: "phone\0", snapshot: "", capturedAt: i * 1e9, sequence: i };
      return SnapshotRecord.of({ database: "app", store: "notes", key: [i, "k"], value, origin });
    });
    const tables = [];
    for (const [schema, batchRows] of [
      ["copy", 10_000],
      ["json", 1_000],
    ] as const) {
      await run(server.url(database), records, { schema, batchRows, loadId: "x", children: "tables" });
      tables.push(
        await withClient(server.url(database), (client) => readPostgresTable(client, schema, "notes")),
      );
    }
    expect(tables[0]!.rows).toHaveLength(5_100);
    expect(tables[0]).toEqual(tables[1]);
    expect(restoreValues(tables[0]!).slice(0, 6)).toStrictEqual(
      values.map((value) => Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null))),
    );
  });

  test("counts what columns could not say, by issue", async () => {
    const database = await server.createDatabase();
    const sparse = [1];
    sparse[3] = 2;
    const values = [{ n: -0, m: 1 }, { n: -0, b: new Uint16Array(1) }, { l: [1] }, { l: sparse }];
    const records = values.map((value, key) => SnapshotRecord.of({ store: "notes", key, value }));
    const { metrics } = await run(server.url(database), records, { children: "tables" });
    expect(metrics.counters).toMatchObject({
      "postgres/issues/negative-zero": 2,
      "postgres/issues/binary-type": 1,
      "postgres/issues/list-as-json": 1,
    });
  });

  test("a key that no index holds is a dead letter", async () => {
    const database = await server.createDatabase();
    const records = ["k".repeat(2_600), "k".repeat(2_400)].map((key) =>
      SnapshotRecord.of({ store: "notes", key, value: { a: 1 } }),
    );
    const { metrics } = await run(server.url(database), records, { onError: "failedRecords" });
    expect(failedRecords).toMatchObject([{ store: "notes", error: { code: "SNAPSHOT_LIMIT_EXCEEDED" } }]);
    expect(metrics.counters["postgres/failedRecords/notes"]).toBe(1);
    expect(await server.query(database, "SELECT count(*)::int AS rows FROM notes")).toEqual([{ rows: 1 }]);
  });
});
