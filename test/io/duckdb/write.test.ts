import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { create, runDirect } from "../../../beam/index.js";
import { type TableCounts, writeToDuckdb } from "../../../io/index.js";
import { assertElements } from "../../../testing/index.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { origin, put, tombstone } from "../record-files/written-records.js";
import { queryDuckdb } from "./query-duckdb.js";

const module = (path: string): string =>
  JSON.stringify(new URL(`../../../dist/${path}`, import.meta.url).href);

/** A pipeline in a process of its own, from the build, that kills itself without a word at a given COMMIT. */
const program = `
import { DuckDBConnection } from "@duckdb/node-api";
import { create, runDirect } from ${module("beam/index.js")};
import { writeToDuckdb } from ${module("io/duckdb/write.js")};
import { SnapshotRecord } from ${module("snapshot/index.js")};

const [file, count, from, to] = [process.argv[1], ...process.argv.slice(2).map(Number)];
const { run } = DuckDBConnection.prototype;
let seen = 0;
DuckDBConnection.prototype.run = function (sql, ...rest) {
  if (sql === "COMMIT" && ++seen === count) process.kill(process.pid, "SIGKILL");
  return run.call(this, sql, ...rest);
};
const notes = Array.from({ length: to - from }, (_, i) =>
  SnapshotRecord.of({ store: "notes", key: from + i, value: { n: from + i, text: "note " + (from + i) } }));
await runDirect((root) => root.apply(create(notes)).apply(writeToDuckdb(file, { batchRows: 100 })).tables);
`;

function startProgram(file: string, killedAt: number, from: number, to: number): ChildProcess {
  const numbers = [killedAt, from, to].map(String);
  return spawn(process.execPath, ["--input-type=module", "--eval", program, file, ...numbers], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

async function runProgram(file: string, killedAt: number): Promise<NodeJS.Signals | number | null> {
  const [code, signal] = (await once(startProgram(file, killedAt, 0, 1000), "exit")) as [
    number | null,
    NodeJS.Signals | null,
  ];
  return signal ?? code;
}

function countsOnly({
  store,
  upserted,
  unchanged,
}: TableCounts): Pick<TableCounts, "store" | "upserted" | "unchanged"> {
  return { store, upserted, unchanged };
}

describe("a pipeline into DuckDB", () => {
  test("fills tables that are ready for SQL, and says what it has written", async () => {
    const file = join(temporaryFolder(), "deep/app.duckdb");
    await runDirect((root) => {
      root
        .apply(
          create([
            put(1, { title: "Milk", price: 1.5, at: new Date("2024-05-01T10:00:00Z") }),
            put(2, { title: "Bread", price: 2 }),
            tombstone(3, origin(1)),
          ]),
        )
        .apply(writeToDuckdb(file))
        .tables.apply(
          assertElements([
            { database: "app", store: "notes", table: "notes", upserted: 2, deleted: 1, unchanged: 0 },
          ]),
        );
    });
    const sql = 'SELECT sum(price), max(year("at")), count(*) FROM notes WHERE NOT _deleted';
    expect(await queryDuckdb(file, sql)).toEqual([[3.5, 2024n, 2n]]);
  });

  test("keeps stores apart from what it works with itself", async () => {
    const file = join(temporaryFolder(), "app.duckdb");
    const stores = [
      "_staged_rows",
      "_newer_rows",
      "_beam_indexeddb_newer_rows",
      "_beam_indexeddb_tables",
      "_is_there",
    ];
    await runDirect((root) => {
      root
        .apply(create(stores.map((store) => put(1, { _is_there: store }, origin(1), store))))
        .apply(writeToDuckdb(file))
        .tables.map(countsOnly)
        .apply(assertElements(stores.map((store) => ({ store, upserted: 1, unchanged: 0 }))));
    });
    for (const [table] of await queryDuckdb(file, 'SELECT "table" FROM _beam_indexeddb_tables'))
      expect(await queryDuckdb(file, `SELECT count(*) FROM main."${String(table)}"`)).toEqual([[1n]]);
  });

  test("tells what DuckDB refuses with a code and the file", async () => {
    const file = join(temporaryFolder(), "app.duckdb");
    const load = (): Promise<unknown> =>
      runDirect((root) => {
        root.apply(create([put(1, { a: 1 })])).apply(writeToDuckdb(file));
      });
    await load();
    await queryDuckdb(file, "DROP TABLE notes");
    await expect(load()).rejects.toMatchObject({ code: "STORE_CONSTRAINT", file });
  });

  test("waits for another process that has the file, and several processes write it together", async () => {
    const file = join(temporaryFolder(), "app.duckdb");
    const processes = [0, 1, 2].map((i) => startProgram(file, -1, i * 500, i * 500 + 1000));
    const codes = await Promise.all(processes.map(async (one) => ((await once(one, "exit")) as [number])[0]));
    expect(codes).toEqual([0, 0, 0]);
    expect(await queryDuckdb(file, "SELECT count(*), count(DISTINCT n), sum(n)::BIGINT FROM notes")).toEqual([
      [2000n, 2000n, (2000n * 1999n) / 2n],
    ]);
  });

  test("says when another process keeps the file", async () => {
    const file = join(temporaryFolder(), "app.duckdb");
    const holder = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { DuckDBInstance } from "@duckdb/node-api";
        await DuckDBInstance.create(process.argv[1]); console.log("open"); setInterval(() => {}, 1000);`,
        file,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      await once(holder.stdout, "data");
      await expect(
        runDirect((root) => {
          root.apply(create([put(1, { a: 1 })])).apply(writeToDuckdb(file, { busyTimeoutMs: 50 }));
        }),
      ).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", file });
    } finally {
      holder.kill("SIGKILL");
    }
  });

  test.each([
    ["the tables", 1, 0n],
    ["the first batch", 2, 0n],
    ["the fourth batch", 5, 300n],
    ["the last batch", 11, 900n],
  ])(
    "that is killed before %s is committed leaves whole transactions; run again it is complete",
    async (_, at, left) => {
      const file = join(temporaryFolder(), "app.duckdb");
      expect(await runProgram(file, at)).toBe("SIGKILL");
      const found = await queryDuckdb(
        file,
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'notes'",
      );
      const count = found[0]![0] === 0n ? 0n : (await queryDuckdb(file, "SELECT count(*) FROM notes"))[0]![0];
      expect(count).toBe(left);
      expect(await runProgram(file, -1)).toBe(0);
      expect(await queryDuckdb(file, "SELECT count(*), sum(n)::BIGINT FROM notes")).toEqual([
        [1000n, 499_500n],
      ]);
    },
  );

  test("a file that is no database is told, and stays as it is", async () => {
    const file = join(temporaryFolder(), "notes.txt");
    writeFileSync(file, "my notes ".repeat(1000));
    await expect(
      runDirect((root) => {
        root.apply(create([put(1, { a: 1 })])).apply(writeToDuckdb(file));
      }),
    ).rejects.toMatchObject({ code: "STORE_CONSTRAINT", file });
  });

  test("wrong options are told while the pipeline is built", () => {
    expect(() => writeToDuckdb("")).toThrow("path of the database");
    expect(() => writeToDuckdb(":memory:")).toThrow("in memory");
    expect(() => writeToDuckdb("md:cloud")).toThrow("local disk");
    expect(() => writeToDuckdb("gs://a/b.duckdb")).toThrow("writeToParquet");
    expect(() => writeToDuckdb("a.duckdb", { busyTimeoutMs: -1 })).toThrow("busyTimeoutMs");
    expect(() => writeToDuckdb("a.duckdb", { batch: 1 } as never)).toThrow("batchRows");
  });
});
