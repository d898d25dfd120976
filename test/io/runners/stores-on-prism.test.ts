import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PCollection, type PTransform, create, reshuffle } from "../../../beam/index.js";
import { writeToPostgres } from "../../../io/postgres/write.js";
import { openSqlite } from "../../../io/sqlite/sqlite-driver.js";
import { writeToSqlite } from "../../../io/sqlite/write.js";
import type { WriteToTablesResult } from "../../../io/table/write-to-tables.js";
import { createRunner } from "../../../runners/index.js";
import type { JobService } from "../../../runners/service/job-service.js";
import { startPrism } from "../../../runners/service/prism.js";
import { SnapshotRecord } from "../../../snapshot/index.js";
import { cacheFolder, prismProgram } from "../../runners/programs.js";
import { type StoredTable, restoreValues } from "../../suites/stored-row.js";
import { type PostgresServer, startPostgres } from "../postgres/postgres-server.js";
import { readPostgresTable, withClient } from "../postgres/postgres-store.js";
import { readSqliteTable } from "../sqlite/sqlite-store.js";

/** Stores of tables where bundles run side by side, in two processes, as the runner likes. */
let prism: JobService;
let server: PostgresServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stores-on-prism-"));
  [prism, server] = await Promise.all([
    startPrism({ prismPath: prismProgram(), cacheFolder }),
    startPostgres(),
  ]);
});
afterAll(async () => {
  await Promise.all([prism.stop(), server.stop()]);
  rmSync(folder, { recursive: true });
});

type Sink = PTransform<PCollection<SnapshotRecord>, WriteToTablesResult>;

interface Place {
  sink(options: { readonly children?: "tables"; readonly deletes?: "hard" }): Sink;
  read(): Promise<StoredTable>;
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  SQLite: () => {
    const file = join(mkdtempSync(join(folder, "place-")), "a.sqlite");
    return Promise.resolve({
      sink: (options) => writeToSqlite(file, options),
      read: () => {
        const database = openSqlite(file, 1000);
        const table = readSqliteTable(database, "notes");
        database.close();
        return Promise.resolve(table);
      },
    });
  },
  PostgreSQL: async () => {
    const url = server.url(await server.createDatabase());
    return {
      sink: (options) => writeToPostgres(url, options),
      read: () => withClient(url, (client) => readPostgresTable(client, "public", "notes")),
    };
  },
};

async function runOnPrism(records: readonly SnapshotRecord[], sink: Sink): Promise<void> {
  const runner = createRunner({
    runner: "prism",
    jobEndpoint: prism.address,
    parallelism: 2,
    timeoutMs: 180_000,
  });
  await runner.run(
    (root) => root.apply(create(records)).apply(reshuffle<SnapshotRecord>()).apply(sink).tables,
  );
}

const origin = (capturedAt: number) => ({ device: "phone", snapshot: "", capturedAt, sequence: 0 });

const note = (key: number, value: unknown, capturedAt: number): SnapshotRecord =>
  SnapshotRecord.of({ database: "app", store: "notes", key, value, origin: origin(capturedAt) });

const values = [
  { n: 1, text: "a\0b", at: new Date(0), list: [1, { a: 2n }] },
  { n: 1.5, text: "\ud800", at: new Date(NaN), list: [] },
  { n: "x", text: "é", big: 10n ** 30n, image: new Uint8Array([0, 255]) },
  { map: new Map([[1, new Set([NaN])]]), flag: true, list: ["y"] },
];

describe.each(Object.keys(places))("%s on Prism with two workers", (name) => {
  test("all kinds of values, versions and redeliveries end in the newest rows, exactly", async () => {
    const place = await places[name]!();
    const keys = Array.from({ length: 400 }, (_, i) => i);
    const newest = keys.map((key) => note(key, values[key % values.length], 3000));
    const older = keys.map((key) => note(key, { n: -key, list: [key, key] }, 2000));
    await runOnPrism([...older, ...newest, ...newest.slice(0, 100)], place.sink({ children: "tables" }));
    const written = await place.read();
    expect(restoreValues(written)).toStrictEqual(keys.map((key) => values[key % values.length]));
    await runOnPrism([...newest, ...older].reverse(), place.sink({ children: "tables" }));
    const { rows, children } = await place.read();
    expect(rows.map(({ loadId }) => loadId)).toEqual(written.rows.map(({ loadId }) => loadId));
    expect(children).toEqual(written.children);
  });

  test("what is deleted for good stays so when older records come again", async () => {
    const place = await places[name]!();
    const puts = Array.from({ length: 200 }, (_, key) => note(key, { n: key }, 1000));
    const gone = puts
      .filter(({ key }) => Number(key) % 2 === 0)
      .map(({ database, store, key }) =>
        SnapshotRecord.of({ database, store, key, deleted: true, origin: origin(2000) }),
      );
    await runOnPrism([...puts, ...gone], place.sink({ deletes: "hard" }));
    await runOnPrism([...gone, ...puts], place.sink({ deletes: "hard" }));
    expect(restoreValues(await place.read())).toEqual(
      puts.filter(({ key }) => Number(key) % 2 === 1).map(({ value }) => value),
    );
  });
});
