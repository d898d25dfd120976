import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { runDirect } from "../../beam/index.js";
import { readFromIndexedDB } from "../../io/index.js";
import { fromDatabase, toDatabase } from "../../pipelines/index.js";
import { assertRecords } from "../../testing/index.js";
import { SnapshotRecord } from "../../snapshot/index.js";
import { type PostgresServer, startPostgres } from "../io/postgres/postgres-server.js";
import { temporaryFolder } from "../temporary-folder.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

test("devices go into PostgreSQL, a query over them comes back as a snapshot that seeds browsers", async () => {
  const output = temporaryFolder();
  const url = server.url(await server.createDatabase());
  await runDirect(
    toDatabase({
      input: "examples/devices/*.idbsnap",
      destinations: [url],
      output,
      by: "updatedAt",
      stores: ["notes"],
    }),
  );
  const source = { source: url, store: "stats", key: "id", database: "seed", output };
  await runDirect(
    fromDatabase({
      ...source,
      query: "SELECT 1 AS id, count(*) AS notes, count(*) FILTER (WHERE _deleted) AS deleted FROM notes",
    }),
  );
  await runDirect((root) => {
    root.apply(readFromIndexedDB(join(output, "seed-*.idbsnap"))).apply(
      assertRecords([
        SnapshotRecord.of({
          database: "seed",
          store: "stats",
          key: 1,
          value: { id: 1, notes: 9, deleted: 0 },
        }),
      ]),
    );
  });
});
