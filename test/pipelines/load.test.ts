import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { beforeEach, describe, expect, test } from "vitest";
import { main } from "../../cli/main.js";
import { openSqlite } from "../../io/sqlite/sqlite-driver.js";
import { parseDestination, toDatabase } from "../../pipelines/index.js";
import { queryDuckdb } from "../io/duckdb/query-duckdb.js";
import { temporaryFolder } from "../temporary-folder.js";

const devices = "examples/devices/*.idbsnap";

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const result = { out: "", err: "" };
  const code = await main(["run", ...args], {
    out: (text) => void (result.out += text),
    err: (text) => void (result.err += text),
    isInteractive: false,
  });
  return { code, ...result };
}

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

describe("toWarehouse", () => {
  test("fills a DuckDB and Parquet files from the sample devices, and shows three queries that work", async () => {
    const { code, out } = await run("toWarehouse", "--runner=direct", `--output=${folder}`);
    expect(code).toBe(0);
    const queries = out.split("\n").filter((line) => line.startsWith("  SELECT"));
    expect(queries).toHaveLength(3);
    const file = join(folder, "warehouse.duckdb");
    for (const query of queries) await queryDuckdb(file, query);
    const parquet = join(folder, "parquet/notes-00000-of-00001.parquet");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const inFile = await connection.runAndReadAll(`SELECT count(*), count(DISTINCT _key) FROM '${parquet}'`);
    expect(inFile.getRowsJS()).toEqual(
      await queryDuckdb(file, "SELECT count(*), count(DISTINCT _key) FROM notes"),
    );
    connection.closeSync();
    instance.closeSync();
  });

  test("fills several destinations in one run; a second run changes nothing", async () => {
    const args = [
      "toWarehouse",
      `--output=${folder}`,
      `--destination=duckdb:${folder}/a.duckdb,sqlite:${folder}/a.sqlite,jsonl:${folder}/jsonl,csv:${folder}/csv,avro:${folder}/avro`,
      "--stores=notes",
      "--json",
    ];
    const first = JSON.parse((await run(...args)).out) as { summary: Record<string, unknown>[] };
    const written = first.summary[0]!.written;
    expect(first.summary.map(({ kind, store, written: count }) => [kind, store, count])).toEqual(
      ["avro", "csv", "duckdb", "jsonl", "sqlite"].map((kind) => [kind, "notes", written]),
    );
    const files = [
      "jsonl/notes-00000-of-00001.jsonl",
      "csv/notes-00000-of-00001.csv",
      "avro/notes-00000-of-00001.avro",
    ];
    const before = files.map((file) => readFileSync(join(folder, file)));
    const second = JSON.parse((await run(...args)).out) as { summary: Record<string, unknown>[] };
    expect(second.summary.filter(({ kind }) => kind === "duckdb" || kind === "sqlite")).toMatchObject([
      { written: 0, unchanged: written },
      { written: 0, unchanged: written },
    ]);
    expect(files.map((file) => readFileSync(join(folder, file)))).toEqual(before);
  });
});

describe("toDatabase", () => {
  test("brings every object store into a table, rows of deleted records gone", async () => {
    const { code, out } = await run("toDatabase", `--output=${folder}`, `--input=${devices}`);
    expect([code, out]).toEqual([0, expect.stringContaining("Try in SQLite:")]);
    const database = openSqlite(join(folder, "app.sqlite"), 1000);
    const [row] = database.all("SELECT count(*) AS rows, sum(_deleted) AS deleted FROM notes");
    database.close();
    expect(Number(row!.rows)).toBeGreaterThan(5);
    expect(Number(row!.deleted)).toBe(0);
  });
});

describe("a destination", () => {
  test.each([
    ["postgres://u@h/d", { kind: "postgres", place: "postgres://u@h/d" }],
    ["postgresql://h", { kind: "postgres", place: "postgresql://h" }],
    ["sqlite:out/a:b.sqlite", { kind: "sqlite", place: "out/a:b.sqlite" }],
    ["duckdb:a.duckdb", { kind: "duckdb", place: "a.duckdb" }],
    ["bigquery:my-project.app", { kind: "bigquery", place: "my-project.app" }],
    ["parquet:gs://bucket/app", { kind: "parquet", place: "gs://bucket/app/" }],
    ["csv:out/", { kind: "csv", place: "out/" }],
  ])("%s is understood", (text, expected) => {
    expect(parseDestination(text)).toEqual(expected);
  });

  test.each([["mysql://u:secret@h/d"], ["bigquery:secret"], ["parquet:"], ["secret"], [""]])(
    "%j is refused with what there is, and not repeated",
    async (text) => {
      expect(() => parseDestination(text)).toThrow(/^A destination is one of postgres:/);
      const { code, err } = await run("toDatabase", `--destination=${text}`, `--output=${folder}`);
      expect(code).toBe(2);
      expect(err).not.toContain("secret");
    },
  );

  test("a password in a URL is refused and not repeated", async () => {
    const { code, err } = await run(
      "toDatabase",
      "--destination=postgres://u:hunter2@h/d",
      `--output=${folder}`,
    );
    expect(code).toBe(2);
    expect(err).toMatch(/PGPASSWORD/);
    expect(err).not.toContain("hunter2");
  });

  test.each([
    [[], /staging: gs:/],
    [["--staging=out"], /gs:\/\/bucket/],
  ])("BigQuery without a folder on Cloud Storage is a mistake in the call (%j)", async (args, message) => {
    const { code, err } = await run("toWarehouse", "--destination=bigquery:my-project.app", ...args);
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });

  test("none at all, and wrong deletes, are mistakes in the call", async () => {
    expect(() => toDatabase({ input: devices, output: folder, destinations: [] })).toThrow("at least one");
    expect(await run("toDatabase", "--deletes=never")).toMatchObject({ code: 2 });
  });
});

describe("fromDatabase", () => {
  test.each([
    [["--table=t", "--key=id"], "--source is missing"],
    [["--source=postgres://h/d", "--key=id"], "either --table or --query"],
    [["--source=postgres://h/d", "--query=SELECT 1", "--key=id"], "--store is missing"],
    [["--source=postgres://h/d", "--table=t"], "--key is missing"],
    [["--source=postgres://u:hunter2@h/d", "--table=t", "--key=id"], "PGPASSWORD"],
  ])("%j is a mistake in the call", async (args, message) => {
    const { code, err } = await run("fromDatabase", ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    expect(err).not.toContain("hunter2");
  });
});
