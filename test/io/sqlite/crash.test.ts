import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSqlite } from "../../../io/sqlite/sqlite-driver.js";

const module = (path: string): string =>
  JSON.stringify(new URL(`../../../dist/${path}`, import.meta.url).href);

/** A pipeline in a process of its own, from the build, that kills itself without a word at a given statement. */
const program = `
import { createRequire } from "node:module";
import { create, runDirect } from ${module("beam/index.js")};
import { writeToSqlite } from ${module("io/sqlite/write.js")};
import { SnapshotRecord } from ${module("snapshot/index.js")};

const [file, statement, count, records] = [process.argv[1], process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const require = createRequire(${module("io/sqlite/write.js")});
const Database = process.getBuiltinModule("node:sqlite")?.DatabaseSync ?? require("libsql");
const { exec, prepare } = Database.prototype;
let seen = 0;
const die = (sql) => { if (sql.startsWith(statement) && ++seen === count) process.kill(process.pid, "SIGKILL"); };
Database.prototype.exec = function (sql) { die(sql); return exec.call(this, sql); };
Database.prototype.prepare = function (sql) {
  const prepared = prepare.call(this, sql), { run } = prepared;
  prepared.run = function (...values) { die(sql); return run.apply(this, values); };
  return prepared;
};
const notes = Array.from({ length: records }, (_, i) =>
  SnapshotRecord.of({ store: "notes", key: i, value: { n: i, text: "note " + i } }));
await runDirect((root) => root.apply(create(notes)).apply(writeToSqlite(file, { batchRows: 100 })).tables);
`;

describe("a run that is killed leaves whole transactions, and the next run completes them", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sqlite-crash-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const records = 1000;
  function runProgram(file: string, statement: string, count: number): NodeJS.Signals | null {
    const { signal, stderr, status } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", program, file, statement, String(count), String(records)],
      { encoding: "utf8", timeout: 50_000 },
    );
    if (signal === null && status !== 0) throw new Error(stderr);
    return signal;
  }

  function rowsIn(file: string): { count: number; sum: number } {
    const database = openSqlite(file, 1000);
    const tables = database.all("SELECT name FROM sqlite_master WHERE name = 'notes'");
    const [row] =
      tables.length === 0
        ? []
        : database.all("SELECT count(*) AS count, coalesce(sum(n), 0) AS sum FROM notes");
    const [check] = database.all("PRAGMA integrity_check");
    database.close();
    expect(check).toEqual({ integrity_check: "ok" });
    return { count: Number(row?.count ?? 0), sum: Number(row?.sum ?? 0) };
  }

  test.each([
    ["before the tables are committed", "COMMIT", 1, 0],
    ["in the middle of the first batch", 'INSERT INTO "notes"', 50, 0],
    ["before the first batch is committed", "COMMIT", 2, 0],
    ["in the middle of the fourth batch", 'INSERT INTO "notes"', 350, 300],
    ["between two batches", "BEGIN", 5, 300],
    ["before the last batch is committed", "COMMIT", 11, 900],
  ])("%s", (_, statement, count, left) => {
    const file = join(folder, "a.sqlite");
    expect(runProgram(file, statement, count)).toBe("SIGKILL");
    expect(rowsIn(file).count).toBe(left);
    expect(runProgram(file, "never", 1)).toBeNull();
    expect(rowsIn(file)).toEqual({ count: records, sum: (records * (records - 1)) / 2 });
  });
});
