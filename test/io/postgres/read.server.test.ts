import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { create, registerFunctions, runDirect } from "../../../beam/index.js";
import { openSnapshot } from "../../../io/indexeddb/open-snapshot.js";
import { writeToIndexedDB } from "../../../io/indexeddb/write.js";
import { type ReadFromPostgresOptions, readFromPostgres } from "../../../io/postgres/read.js";
import { writeToPostgres } from "../../../io/postgres/write.js";
import { SnapshotRecord } from "../../../snapshot/index.js";
import { type PostgresServer, startPostgres } from "./postgres-server.js";

let records: SnapshotRecord[] = [];

function keepRecord(record: SnapshotRecord): void {
  records.push(record);
}

registerFunctions("test/io/postgres/read", { keepRecord });

let server: PostgresServer;
let database: string;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = await server.createDatabase();
});

async function read(
  options: Partial<ReadFromPostgresOptions>,
): Promise<Awaited<ReturnType<typeof runDirect>>> {
  records = [];
  return runDirect((root) =>
    root
      .apply(readFromPostgres(server.url(database), { store: "things", key: "id", ...options }))
      .map(keepRecord),
  );
}

const readValue = async (sql: string, as: ReadFromPostgresOptions["as"] = {}): Promise<unknown> => {
  await read({ query: `SELECT 1 AS id, ${sql} AS v`, as });
  return (records[0]!.value as { v: unknown }).v;
};

describe("values", () => {
  test.each<[string, unknown, NonNullable<ReadFromPostgresOptions["as"]>?]>([
    ["true", true],
    ["NULL::text", null],
    ["'a\tb é 😀'", "a\tb é 😀"],
    ["'null'::varchar", "null"],
    ["'x'::char(3)", "x  "],
    ["7::smallint", 7],
    ["-2147483648", -2147483648],
    ["9007199254740991::bigint", Number.MAX_SAFE_INTEGER],
    ["9007199254740993::bigint", 2n ** 53n + 1n, { v: "bigint" }],
    ["9223372036854775807::bigint", "9223372036854775807", { v: "text" }],
    ["1.50::numeric", 1.5],
    ["100::numeric", 100],
    ["0.1::numeric", 0.1],
    ["1e400::numeric", 10n ** 400n, { v: "bigint" }],
    ["12.00::numeric", 12n, { v: "bigint" }],
    ["'NaN'::numeric", NaN],
    ["'-Infinity'::float8", -Infinity],
    ["'-0'::float8", -0],
    ["5e-324::float8", 5e-324],
    ["0.1::real", 0.1],
    ["1.7976931348623157e308::float8", Number.MAX_VALUE],
    ["'\\x00ff'::bytea", new Uint8Array([0, 255])],
    ["''::bytea", new Uint8Array(0)],
    ["'2024-05-01 10:00:00.123+02'::timestamptz", new Date("2024-05-01T08:00:00.123Z")],
    ["'0044-03-15 00:00:00+00 BC'::timestamptz", new Date("-000043-03-15T00:00:00.000Z")],
    ["'12345-01-01 00:00:00+00'::timestamptz", new Date("+012345-01-01T00:00:00.000Z")],
    ["'2024-05-01 10:00:00.123456+00'::timestamptz", "2024-05-01 10:00:00.123456+00", { v: "text" }],
    ["'2024-05-01 10:00:00'::timestamp", "2024-05-01 10:00:00"],
    ["'2024-05-01 10:00:00'::timestamp", new Date("2024-05-01T10:00:00Z"), { v: "date" }],
    ["'2024-05-01'::date", "2024-05-01"],
    ["'2024-05-01'::date", new Date("2024-05-01"), { v: "date" }],
    [`'{"a":[1,null,"\\u00e9"]}'::json`, { a: [1, null, "é"] }],
    [`'{"b":1.50,"a":"1e999"}'::jsonb`, { a: "1e999", b: 1.5 }],
    [`'{"$set":[{"$bigint":"5"}]}'::json`, new Set([5n]), { v: "taggedJson" }],
    ["'{1,2}'::int[]", "{1,2}"],
    ["'1 day 2 hours'::interval", "P1DT2H"],
  ])("%s comes as it is", async (sql, value, as) => {
    expect(await readValue(sql, as)).toStrictEqual(value);
  });

  test.each<[string, NonNullable<ReadFromPostgresOptions["as"]>, RegExp]>([
    ["9007199254740993::bigint", {}, /column "v" is more exact than a number.*"bigint"/],
    ["0.1234567890123456789::numeric", {}, /more exact/],
    ["1.5::numeric", { v: "bigint" }, /no whole number/],
    ["'2024-05-01 10:00:00.123456+00'::timestamptz", {}, /no time that a Date holds exactly/],
    ["'infinity'::timestamptz", {}, /no time/],
    [`'[12345678901234567890]'::jsonb`, {}, /number in its JSON/],
  ])("%s as %j is refused, without the value in the message", async (sql, as, message) => {
    const failure: unknown = await readValue(sql, as).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "STORE_CONSTRAINT" });
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).not.toMatch(/123456|9007/);
  });
});

describe("rows", () => {
  test("all of a table, in batches, from one state of the database", async () => {
    await server.query(database, `CREATE TABLE things (id int PRIMARY KEY, "__proto__" text, "Größe" int)`);
    await server.query(
      database,
      "INSERT INTO things SELECT i, 't' || i, i * 2 FROM generate_series(1, 2500) i",
    );
    const { metrics } = await read({ table: "things", batchRows: 100, device: "server", capturedAt: 5 });
    expect(records).toHaveLength(2500);
    expect(records.map(({ key }) => key).sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 2500 }, (_, i) => i + 1),
    );
    const first = records.find(({ key }) => key === 1)!;
    expect(Object.entries(first.value as object)).toEqual([
      ["id", 1],
      ["__proto__", "t1"],
      ["Größe", 2],
    ]);
    expect(first).toMatchObject({
      store: "things",
      database: "",
      origin: { device: "server", capturedAt: 5 },
    });
    expect(metrics.counters["recordsRead/things"]).toBe(2500);
  });

  test("several key columns make an array key, and a schema's names are found there alone", async () => {
    await server.query(database, `CREATE SCHEMA "My Shop"; CREATE TABLE "My Shop".t (a int, b text)`);
    await server.query(database, `INSERT INTO "My Shop".t VALUES (1, 'x'), (1, 'y')`);
    await read({ query: "SELECT * FROM t ORDER BY b", schema: "My Shop", key: ["a", "b"] });
    expect(records.map(({ key }) => key)).toEqual([
      [1, "x"],
      [1, "y"],
    ]);
    await expect(read({ query: "SELECT * FROM t" })).rejects.toMatchObject({
      code: "STORE_CONSTRAINT",
      message: expect.stringContaining('relation "t" does not exist') as string,
    });
  });

  test("no rows are no records", async () => {
    await read({ query: "SELECT 1 AS id WHERE false" });
    expect(records).toEqual([]);
  });

  test.each<[string, Partial<ReadFromPostgresOptions>, string, RegExp]>([
    ["an unknown key", { key: "uid" }, "STORE_CONSTRAINT", /no column "uid".*id, v/],
    ["an unknown column", { as: { w: "text" } }, "STORE_CONSTRAINT", /no column "w"/],
    ["a key that is NULL", { key: "v" }, "SNAPSHOT_KEY_INVALID", /./],
    ["two columns of one name", { query: "SELECT 1 AS id, 2 AS id" }, "STORE_CONSTRAINT", /two columns "id"/],
    ["a query that writes", { query: "DELETE FROM t" }, "STORE_CONSTRAINT", /./],
    [
      "a query that locks",
      { query: "SELECT oid AS id FROM pg_class FOR UPDATE" },
      "STORE_CONSTRAINT",
      /read-only/,
    ],
  ])("%s is refused", async (_, options, code, message) => {
    const failure: unknown = await read({ query: "SELECT 1 AS id, NULL::int AS v", ...options }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code });
    expect((failure as Error).message).toMatch(message);
  });
});

test("a table becomes a snapshot with its key path, and the snapshot a table again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "postgres-read-"));
  try {
    await server.query(
      database,
      "CREATE TABLE products (sku text PRIMARY KEY, price numeric(8,2), added timestamptz, tags jsonb, photo bytea)",
    );
    await server.query(
      database,
      `INSERT INTO products VALUES ('a', 1.25, '2024-05-01T00:00:00Z', '["x"]', '\\x01'), ('b', NULL, NULL, NULL, NULL)`,
    );
    const source = { store: "products", key: "sku", table: "products", database: "shop" };
    await runDirect(
      (root) =>
        root
          .apply(readFromPostgres(server.url(database), source))
          .apply(writeToIndexedDB(join(folder, "seed"))).filesWritten,
    );
    const reader = await openSnapshot(join(folder, "seed-00000-of-00001.idbsnap"));
    expect(reader.schema).toMatchObject({
      name: "shop",
      objectStores: [{ name: "products", keyPath: "sku" }],
    });
    const values: unknown[] = [];
    for await (const record of reader.records()) values.push(record.value);
    await reader.close();
    const expected = [
      {
        sku: "a",
        price: 1.25,
        added: new Date("2024-05-01"),
        tags: ["x"],
        photo: new Uint8Array([1]),
      },
      { sku: "b", price: null, added: null, tags: null, photo: null },
    ];
    expect(values).toEqual(expected);
    const copies = expected.map((value) => SnapshotRecord.of({ store: "copies", key: value.sku, value }));
    await runDirect((root) => root.apply(create(copies)).apply(writeToPostgres(server.url(database))).tables);
    await read({ table: "copies", key: "_key_json", as: { tags: "taggedJson" } });
    expect(records.map(({ value }) => value)).toMatchObject(expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("misuse is a TypeError when the pipeline is built", () => {
  test.each<[unknown, RegExp]>([
    [{ store: "s", key: "id" }, /either the table or the query/],
    [{ store: "s", key: "id", table: "a", query: "b" }, /either/],
    [{ key: "id", table: "a" }, /store/],
    [{ store: "s", key: [], table: "a" }, /key is the name/],
    [{ store: "s", key: "id", table: "a", as: { x: "float" } }, /as of "x" is "float"/],
    [{ store: "s", key: "id", table: "a", as: { id: "bigint" } }, /no such keys/],
    [{ store: "s", key: "id", table: "a", limit: 5 }, /no option "limit"/],
    [{ store: "s", key: "id", table: "a", batchRows: 0 }, /batchRows/],
    [{ store: "s", key: "id", table: "a", schema: "pg_x" }, /schema/],
  ])("%j", (options, message) => {
    const build = (): unknown =>
      readFromPostgres("postgres://localhost/x", options as ReadFromPostgresOptions);
    expect(build).toThrow(TypeError);
    expect(build).toThrow(message);
  });
});
