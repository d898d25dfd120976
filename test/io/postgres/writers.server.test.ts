import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "./postgres-server.js";

const module = (path: string): string =>
  JSON.stringify(new URL(`../../../dist/${path}`, import.meta.url).href);

/**
 * A pipeline in a process of its own, from the build. Its numbers: rows, version (the capture time), whether the keys come backwards, rows per
 * transaction, rounds, and at which COMMIT it kills itself without a word, before or after the server has it.
 */
const program = `
import { createRequire } from "node:module";
import { create, runDirect } from ${module("beam/index.js")};
import { writeToPostgres } from ${module("io/postgres/write.js")};
import { SnapshotRecord } from ${module("snapshot/index.js")};

const [url, ...numbers] = process.argv.slice(1);
const [rows, version, backwards, batchRows, rounds, killAt, afterwards] = numbers.map(Number);
const { Client } = createRequire(${module("io/postgres/write.js")})("pg");
const { query } = Client.prototype;
let commits = 0;
Client.prototype.query = function (config, ...rest) {
  const last = config === "COMMIT" && ++commits === killAt;
  if (last && !afterwards) process.kill(process.pid, "SIGKILL");
  const result = query.call(this, config, ...rest);
  return last ? result.then(() => process.kill(process.pid, "SIGKILL")) : result;
};
for (let round = 0; round < rounds; round++) {
  const origin = { device: "d" + version, snapshot: "", capturedAt: version + round * 1000, sequence: 0 };
  const notes = Array.from({ length: rows }, (_, i) =>
    SnapshotRecord.of({ store: "notes", key: i, value: { n: i, version: version + round * 1000, list: [i, i + 1] }, origin }));
  if (backwards) notes.reverse();
  await runDirect((root) =>
    root.apply(create(notes, false)).apply(writeToPostgres(url, { batchRows, children: "tables", maxAttempts: 1 })).tables);
}
`;

interface Run {
  readonly rows: number;
  readonly version?: number;
  readonly backwards?: boolean;
  readonly batchRows?: number;
  readonly rounds?: number;
  readonly killAt?: number;
  readonly afterwards?: boolean;
}

let server: PostgresServer;
let database: string;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = await server.createDatabase();
});

async function runProgram(run: Run): Promise<NodeJS.Signals | null> {
  const {
    rows,
    version = 1,
    backwards = false,
    batchRows = 100,
    rounds = 1,
    killAt = 0,
    afterwards = false,
  } = run;
  const numbers = [rows, version, Number(backwards), batchRows, rounds, killAt, Number(afterwards)].map(
    String,
  );
  const child: ChildProcess = spawn(
    process.execPath,
    ["--input-type=module", "--eval", program, server.url(database), ...numbers],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let errors = "";
  child.stderr!.on("data", (data: Buffer) => (errors += String(data)));
  const [status, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (signal === null && status !== 0) throw new Error(errors);
  return signal;
}

const count = async (): Promise<unknown> => {
  const [there] = await server.query(database, "SELECT to_regclass('public.notes') IS NOT NULL AS there");
  if (there!.there === false) return { rows: 0 };
  const [row] = await server.query(
    database,
    "SELECT count(*)::int AS rows, coalesce(sum(n), 0)::int AS sum, (SELECT coalesce(sum(_value), 0)::int FROM notes__list) AS items FROM notes",
  );
  return row;
};

const rows = 1000;
const all = { rows, sum: (rows * (rows - 1)) / 2, items: rows * (rows - 1) + rows };

describe("a run that is killed leaves whole transactions, and the next run completes them", () => {
  test.each([
    ["before the tables are committed", 1, false, 0],
    ["before the first batch is committed", 2, false, 0],
    ["after the first batch", 2, true, 100],
    ["before the fifth batch is committed", 6, false, 400],
    ["after the last batch", 11, true, 1000],
  ])("%s", async (_, killAt, afterwards, left) => {
    expect(await runProgram({ rows, killAt, afterwards })).toBe("SIGKILL");
    expect(await count()).toMatchObject({ rows: left });
    expect(await runProgram({ rows })).toBeNull();
    expect(await count()).toEqual(all);
  });

  test("the third after two that were killed", async () => {
    for (const killAt of [4, 8]) expect(await runProgram({ rows, killAt })).toBe("SIGKILL");
    expect(await runProgram({ rows })).toBeNull();
    expect(await count()).toEqual(all);
  });
});

test("processes that make the same tables and write the same keys in opposite orders never wait in a circle, and the newest version stays", async () => {
  // With one attempt a deadlock, or a table that is made twice, fails the process.
  const rounds = 10;
  const runs = [1, 2, 3, 4].map((version) =>
    runProgram({ rows, version, backwards: version % 2 === 0, batchRows: 250, rounds }),
  );
  expect(await Promise.all(runs)).toEqual([null, null, null, null]);
  expect(await count()).toEqual(all);
  const newest = await server.query(
    database,
    "SELECT version::int, count(*)::int AS rows FROM notes GROUP BY version",
  );
  expect(newest).toEqual([{ version: 9004, rows }]);
  const [deadlocks] = await server.query(
    database,
    "SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()",
  );
  expect(deadlocks).toEqual({ deadlocks: 0 });
});

test("a server that restarts in the middle costs time, but no rows", async () => {
  const { create, runDirect } = await import("../../../beam/index.js");
  const { writeToPostgres } = await import("../../../io/postgres/write.js");
  const { SnapshotRecord } = await import("../../../snapshot/index.js");
  const notes = Array.from({ length: rows }, (_, i) =>
    SnapshotRecord.of({ store: "notes", key: i, value: { n: i, list: [i, i + 1] } }),
  );
  const write = runDirect(
    (root) =>
      root
        .apply(create(notes, false))
        .apply(writeToPostgres(server.url(database), { batchRows: 10, children: "tables" })).tables,
  );
  for (let restarts = 0; restarts < 3; restarts++) await server.restart();
  await write;
  expect(await count()).toEqual(all);
});
