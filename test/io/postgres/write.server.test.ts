import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { create, registerFunctions, runDirect } from "../../../beam/index.js";
import type { FailedRecord } from "../../../io/failed-record.js";
import { type WriteToPostgresOptions, writeToPostgres } from "../../../io/postgres/write.js";
import type { TableCounts } from "../../../io/table/table-counts.js";
import { SnapshotRecord } from "../../../snapshot/index.js";
import { type StoreAdapter, describeStore } from "../../suites/store-suite.js";
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
});
