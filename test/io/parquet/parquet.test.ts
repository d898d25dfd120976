import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeToParquet, type WriteToParquetOptions } from "../../../io/index.js";
import { fromTaggedJsonColumns } from "../../../io/table/parse-tagged-json.js";
import { pythonEnvironment } from "../../../runners/service/python.js";
import { encodeKey, type SnapshotRecord, toHex } from "../../../snapshot/index.js";
import { structuredEqual } from "../../../testing/structured-equal.js";
import { cacheFolder } from "../../runners/programs.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { valueCases } from "../../vectors/value-cases.js";
import { origin, put, tombstone, writeRecords } from "../record-files/written-records.js";

async function write(
  records: readonly SnapshotRecord[],
  options: WriteToParquetOptions = {},
): Promise<string> {
  const folder = temporaryFolder();
  await writeRecords([records], writeToParquet(`${folder}/`, options));
  return join(folder, "notes-00000-of-00001.parquet");
}

let python: string;
let duckdb: DuckDBInstance;

beforeAll(async () => {
  python = join(await pythonEnvironment({ cacheFolder }), "bin/python");
  duckdb = await DuckDBInstance.create(":memory:");
});

afterAll(() => {
  duckdb.closeSync();
});

/** As pyarrow reads it: types by column, and rows with bytes as hexadecimal digits and times as milliseconds. */
function readWithPyarrow(file: string): {
  types: Record<string, string>;
  rows: Record<string, unknown>[];
  groups: number;
} {
  const program = `import json, sys, datetime
import pyarrow as pa, pyarrow.parquet as pq
file = pq.ParquetFile(sys.argv[1])
table = file.read()
def plain(column):
    if pa.types.is_timestamp(column.type): return [None if v is None else v for v in column.cast(pa.int64()).to_pylist()]
    if pa.types.is_binary(column.type): return [None if v is None else v.hex() for v in column.to_pylist()]
    return [str(v) if isinstance(v, int) and not isinstance(v, bool) else repr(v) if isinstance(v, float) and v in (float("inf"), float("-inf")) else v for v in column.to_pylist()]
columns = {name: plain(table[name]) for name in table.column_names}
print(json.dumps({"types": {f.name: str(f.type) for f in table.schema}, "groups": file.metadata.num_row_groups,
  "rows": [{name: columns[name][i] for name in columns} for i in range(table.num_rows)]}))`;
  return JSON.parse(
    execFileSync(python, ["-c", program, file], { encoding: "utf8", maxBuffer: 256 << 20 }),
  ) as never;
}

async function readWithDuckdb(file: string, sql = "SELECT * FROM file"): Promise<Record<string, unknown>[]> {
  const connection = await duckdb.connect();
  try {
    const quoted = file.replaceAll("'", "''");
    await connection.run(`CREATE OR REPLACE TEMP VIEW file AS SELECT * FROM read_parquet('${quoted}')`);
    return (await connection.runAndReadAll(sql)).getRowObjectsJS();
  } finally {
    connection.closeSync();
  }
}

const value = {
  flag: true,
  count: -3,
  most: Number.MAX_SAFE_INTEGER,
  ratio: 1.5,
  far: -Infinity,
  tiny: 5e-324,
  big: -(2n ** 63n),
  title: "Milk 😀",
  empty: "",
  nul: "a\0b",
  at: new Date(1714557600123),
  before: new Date(-1),
  image: new Uint8Array([0, 1, 255]),
  tags: ["a", { b: [NaN] }],
  none: null,
};

describe("Parquet", () => {
  test("pyarrow reads every value with its type", async () => {
    const file = await write(
      [put("k", value, origin(1000, "tablet ü")), put("l", {}), tombstone("m", origin(2000))],
      {
        loadId: "run",
      },
    );
    const { types, rows } = readWithPyarrow(file);
    expect(types).toMatchObject({
      _key: "binary",
      _version: "binary",
      _deleted: "bool",
      _extracted_at: "timestamp[ms, tz=UTC]",
      _load_id: "string",
      flag: "bool",
      count: "int64",
      ratio: "double",
      big: "int64",
      title: "string",
      at: "timestamp[ms, tz=UTC]",
      image: "binary",
    });
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({
      _key: toHex(encodeKey("k")),
      _device: "tablet ü",
      _deleted: false,
      _extracted_at: 1000,
      _load_id: "run",
      flag: true,
      count: "-3",
      most: "9007199254740991",
      ratio: 1.5,
      far: "-inf",
      tiny: 5e-324,
      big: "-9223372036854775808",
      title: "Milk 😀",
      empty: "",
      nul: "a\0b",
      at: 1714557600123,
      before: -1,
      image: "0001ff",
    });
    expect(rows[1]).toMatchObject({
      flag: null,
      count: null,
      title: null,
      at: null,
      image: null,
      tags: null,
    });
    expect(rows[2]).toMatchObject({ _deleted: true, _extracted_at: 2000, title: null });
  });

  test("DuckDB reads every value with its type", async () => {
    const file = await write([put("k", value), put("l", {})]);
    const [row, none] = await readWithDuckdb(file);
    expect(row).toMatchObject({
      flag: true,
      count: -3n,
      most: 9007199254740991n,
      ratio: 1.5,
      far: -Infinity,
      tiny: 5e-324,
      big: -(2n ** 63n),
      title: "Milk 😀",
      empty: "",
      nul: "a\0b",
      at: new Date(1714557600123),
      before: new Date(-1),
      tags: '["a",{"b":[{"$number":"NaN"}]}]',
      _key_json: '"k"',
    });
    expect(Buffer.from(row!.image as Uint8Array).toString("hex")).toBe("0001ff");
    expect(none).toMatchObject({ flag: null, count: null, title: null });
    const types = await readWithDuckdb(file, "SELECT column_name, column_type FROM (DESCRIBE file)");
    expect(Object.fromEntries(types.map((one) => [one.column_name, one.column_type]))).toMatchObject({
      tags: "VARCHAR",
      _key_json: "VARCHAR",
      at: "TIMESTAMP WITH TIME ZONE",
      image: "BLOB",
    });
  });

  test("every kind of value comes back from its JSON", async () => {
    const cases = Object.entries(valueCases).filter(([name]) => !/resiz|levels/i.test(name));
    const file = await write(
      cases.map(([name, v]) => put(name, { v })),
      { columns: { notes: { v: "json" } } },
    );
    const rows = await readWithDuckdb(file);
    const found = new Map(
      rows.map((row) => [JSON.parse(String(row._key_json)) as string, row.v as string | null]),
    );
    for (const [name, v] of cases) {
      const text = found.get(name);
      const back = typeof text === "string" ? fromTaggedJsonColumns({ v: text }).v : undefined;
      expect(structuredEqual(back, v === null ? undefined : v), name).toBe(true);
    }
    expect(found.size).toBe(cases.length);
  });

  test("row groups end at their rows or their bytes, and nothing is lost between them", async () => {
    const records = Array.from({ length: 2500 }, (_, n) => put(n, { n, text: "x".repeat(n % 100) }));
    const byRows = readWithPyarrow(await write(records, { rowGroupRows: 1000 }));
    expect([byRows.groups, byRows.rows.map(({ n }) => Number(n))]).toEqual([
      3,
      records.map(({ key }) => key),
    ]);
    const byBytes = readWithPyarrow(await write(records, { rowGroupBytes: 50_000, codec: "none" }));
    expect(byBytes.groups).toBeGreaterThan(3);
    expect(byBytes.rows.map(({ text }) => text)).toEqual(
      records.map(({ value: v }) => (v as { text: string }).text),
    );
  });

  test("wrong options are told while the pipeline is built", () => {
    expect(() => writeToParquet("out/", { codec: "zstd" } as never)).toThrow('"snappy" or "none"');
    expect(() => writeToParquet("out/", { rowGroupRows: 0 })).toThrow("rowGroupRows");
  });
});
