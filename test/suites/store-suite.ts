import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ColumnKind } from "../../io/table/column.js";
import type { GivenColumns } from "../../io/table/plan-tables.js";
import { type Key, type Origin, SnapshotBlob, SnapshotRecord, decodeKey } from "../../snapshot/index.js";
import { type StoredRow, type StoredTable, restoreValue, restoreValues } from "./stored-row.js";

/**
 * What every database that records are written to has to hold: the same names, columns, guarantees. A destination passes when it
 * runs `describeStore` with an adapter of its own.
 */
export interface StoreAdapter {
  readonly name: string;
  /** False for a store that has no tables for lists: they are JSON there. Default true. */
  readonly childTables?: boolean;
  /** An empty place, for one test. */
  open(): Promise<StoreUnderTest>;
}

export interface StoreWriteOptions {
  readonly deletes?: "soft" | "hard";
  readonly children?: "json" | "tables";
  readonly versionBy?: string;
  readonly columns?: Readonly<Record<string, GivenColumns>>;
  readonly tables?: Readonly<Record<string, string>>;
  readonly loadId?: string;
  readonly onError?: "fail" | "failedRecords";
}

export interface StoreUnderTest {
  /** One run of a pipeline over all the records; every inner array is a bundle of its own, in this order. */
  write(
    bundles: readonly (readonly SnapshotRecord[])[],
    options?: StoreWriteOptions,
  ): Promise<{ readonly failed: readonly { readonly store: string; readonly code: string }[] }>;
  read(store: string, database?: string): Promise<StoredTable>;
  /** Runs SQL that makes an ordinary table of the given name, as an app would. */
  makeForeignTable(name: string): Promise<void>;
  close(): Promise<void>;
}

const origin = (capturedAt: number, device = "phone", sequence = 0): Origin => ({
  device,
  snapshot: "",
  capturedAt,
  sequence,
});

const put = (key: Key, value: unknown, from: Origin = origin(1000), store = "notes", database = "app") =>
  SnapshotRecord.of({ database, store, key, value, origin: from });

const tombstone = (key: Key, from: Origin, store = "notes", database = "app") =>
  SnapshotRecord.of({ database, store, key, deleted: true, origin: from });

const kindsOf = ({ columns }: Pick<StoredTable, "columns">): Record<string, ColumnKind> =>
  Object.fromEntries(columns.map(({ name, kind }) => [name, kind]));

const keysOf = (rows: readonly StoredRow[]): unknown[] => rows.map(({ key }) => decodeKey(key));

export function describeStore(adapter: StoreAdapter): void {
  describe(`${adapter.name}: the store contract`, () => {
    let store: StoreUnderTest;
    beforeEach(async () => {
      store = await adapter.open();
    });
    afterEach(() => store.close());

    const valuesOf = async (name = "notes"): Promise<unknown[]> => {
      const table = await store.read(name);
      return restoreValues(table);
    };

    describe("columns", () => {
      test("every kind of value has a column of its type", async () => {
        const value = {
          flag: true,
          count: 3,
          ratio: 1.5,
          big: 2n ** 60n,
          title: "Milk",
          at: new Date(1714557600123),
          image: new Uint8Array([0, 1, 255]),
          tags: ["a", "b"],
        };
        await store.write([[put("a", value)]]);
        const table = await store.read("notes");
        expect(kindsOf(table)).toEqual({
          flag: "boolean",
          count: "integer",
          ratio: "number",
          big: "bigint",
          title: "text",
          at: "date",
          image: "binary",
          tags: "json",
        });
        expect(table.rows[0]!.cells).toEqual({ ...value, tags: '["a","b"]' });
      });

      test("the schema is inferred over all records, not over the first ones", async () => {
        const records = Array.from({ length: 500 }, (_, i) => put(i, { n: i }));
        await store.write([records, [put(1000, { n: 1.5, late: "x" })]]);
        const table = await store.read("notes");
        expect(kindsOf(table)).toEqual({ n: "number", late: "text" });
        expect(table.rows.at(-1)!.cells.n).toBe(1.5);
      });

      test("a type clash goes to the variant column", async () => {
        const values = [{ amount: 1 }, { amount: 2 }, { amount: "three" }, { amount: { four: [4] } }];
        await store.write([values.map((value, i) => put(i, value))]);
        const table = await store.read("notes");
        expect(kindsOf(table)).toEqual({ amount: "integer", amount__v_json: "json" });
        expect(table.rows[2]!.cells).toEqual({ amount: null, amount__v_json: '"three"' });
        expect(await valuesOf()).toEqual(values);
      });

      test("the schema does not depend on the order of the records", async () => {
        const records = [{ a: 1 }, { a: "x" }, { b: 1 }, { b: 1.5 }, { A: null }].map((value, i) =>
          put(i, value),
        );
        await store.write([records]);
        const other = await adapter.open();
        await other.write([[...records].reverse()]);
        const [first, second] = [await store.read("notes"), await other.read("notes")];
        await other.close();
        expect(second.columns).toEqual(first.columns);
      });

      test("given columns are used as they are, and the rest is kept", async () => {
        const columns = { notes: { title: "text", n: "number" } } as const;
        const values = [{ title: "a", n: 1, extra: { x: [1n] } }, { title: 5 }];
        await store.write([values.map((value, i) => put(i, value))], { columns });
        const table = await store.read("notes");
        expect(kindsOf(table)).toEqual({ title: "text", n: "number" });
        expect(table.rows[0]!.rest).toBe('{"extra":{"x":[{"$bigint":"1"}]}}');
        expect(table.rows[1]!.rest).toBe('{"title":5}');
        expect(await valuesOf()).toEqual(values);
      });

      test("what given columns leave over comes back, whatever it is called", async () => {
        const columns = { notes: { list: "json" } } as const;
        const list = [1];
        const values = [
          "whole",
          null,
          { $value: 1 },
          { $date: 2, list },
          { $value: 1, a: 2 },
          { list, again: { list } },
          {},
        ];
        await store.write([values.map((value, i) => put(i, value))], { columns });
        expect(await valuesOf()).toEqual(values);
      });

      test("values that are no objects have a column of their own", async () => {
        await store.write([[put(1, "text"), put(2, "more"), put(3, 5), put(4, null), put(5, { _value: 1 })]]);
        const table = await store.read("notes");
        expect(await valuesOf()).toEqual(["text", "more", 5, null, { _value: 1 }]);
        expect(table.columns.map(({ field }) => field)).toContain(undefined);
      });

      test("a dictionary of thousands of properties is kept whole", async () => {
        const value = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]));
        await store.write([[put(1, value)]]);
        expect(await valuesOf()).toEqual([value]);
      });
    });

    describe("values that SQL does not know", () => {
      const shared = { a: 1 };
      const cases: [string, unknown][] = [
        ["NaN", NaN],
        ["Infinity", Infinity],
        ["-0", -0],
        ["a double at the edge", 5e-324],
        ["the largest double", Number.MAX_VALUE],
        ["an integer beyond the safe ones", 2 ** 60],
        ["a BigInt of 2^53 + 1", 2n ** 53n + 1n],
        ["the smallest 64-bit BigInt", -(2n ** 63n)],
        ["a BigInt of 100 digits", 10n ** 100n],
        ["an empty text", ""],
        ["a text with NUL", "a\0b\0"],
        ["a text that looks like a number", "0012"],
        ["a lone surrogate", "a\ud800b"],
        ["an emoji", "😀"],
        ["an invalid Date", new Date(NaN)],
        ["a Date before our era", new Date(-62198755200000)],
        ["a Date in the far future", new Date(8.64e15)],
        ["an empty buffer", new ArrayBuffer(0)],
        ["a typed array", new Float64Array([1.5, NaN])],
        ["a Map", new Map<unknown, unknown>([[{ k: 1 }, new Set([1n])]])],
        ["a RegExp", /a"b/gi],
        ["nested everything", { list: [new Date(0), undefined, NaN, { $date: 1 }, new Uint8Array([1])] }],
        ["shared objects", [shared, shared]],
        [
          "a Blob",
          new SnapshotBlob({
            sha256: new Uint8Array(32).fill(7),
            size: 5,
            type: "image/png",
            name: "a.png",
            lastModified: 1,
          }),
        ],
        ["false", false],
        ["the text null", "null"],
      ];
      test.each(cases)("%s alone", async (_, value) => {
        await store.write([[put("k", { v: value })]]);
        expect(await valuesOf()).toStrictEqual([{ v: value }]);
      });

      test.each(cases)("%s among numbers", async (_, value) => {
        await store.write([[put(1, { v: 1 }), put(2, { v: 2.5 }), put(3, { v: value })]]);
        expect((await valuesOf())[2]).toStrictEqual({ v: value });
      });

      test.each(cases)("%s among texts", async (_, value) => {
        await store.write([[put(1, { v: "1" }), put(2, { v: "x" }), put(3, { v: value })]]);
        expect((await valuesOf())[2]).toStrictEqual({ v: value });
      });

      test("any set of records comes back exactly", async () => {
        const cell = fc.oneof(
          fc.double(),
          fc.maxSafeInteger(),
          fc.bigInt(),
          fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
          fc.boolean(),
          fc.date({ noInvalidDate: false }),
          fc.uint8Array(),
          fc.array(fc.constantFrom<unknown>(1, "a", 2n, NaN, [new Date(1)])),
        );
        const field = fc.oneof(
          fc.constantFrom("a", "A", "_key", "select", 'q"uo', "", "a__v_json", "__proto__", "x".repeat(200)),
          fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 8 }),
        );
        const value = fc.oneof(fc.dictionary(field, cell, { maxKeys: 6 }), cell);
        await fc.assert(
          fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 12 }), async (values) => {
            const place = await adapter.open();
            try {
              await place.write([values.map((item, i) => put(i, item))]);
              const table = await place.read("notes");
              expect(restoreValues(table)).toStrictEqual(values.map((item) => asPlain(item)));
            } finally {
              await place.close();
            }
          }),
          { seed: 3, numRuns: 40 },
        );
      });
    });

    describe("keys and metadata", () => {
      test("rows are in the order of indexedDB.cmp", async () => {
        const keys: Key[] = [
          -1,
          0,
          1.5,
          new Date(0),
          "",
          "a",
          "a\0",
          "b",
          new Uint8Array([1]).buffer,
          [],
          [1, "x"],
        ];
        await store.write([[...keys].reverse().map((key) => put(key, { v: 1 }))]);
        const { rows } = await store.read("notes");
        expect(keysOf(rows)).toEqual(keys);
        expect(rows.at(-1)!.keyJson).toBe('[1,"x"]');
      });

      test("every row says where it comes from", async () => {
        await store.write([[put(1, {}, origin(1714557600123, "tablet ü", 7))]], { loadId: "load-1" });
        const [row] = (await store.read("notes")).rows;
        expect(row).toMatchObject({
          device: "tablet ü",
          extractedAt: 1714557600123,
          loadId: "load-1",
          deleted: false,
          rest: null,
          issues: null,
        });
      });

      test("stores and databases have tables of their own", async () => {
        await store.write([
          [
            put(1, { a: 1 }, origin(1), "notes", "app"),
            put(1, { b: 1 }, origin(1), "notes", "other"),
            put(1, { c: 1 }, origin(1), "tags", "app"),
          ],
        ]);
        const tables = [
          await store.read("notes"),
          await store.read("notes", "other"),
          await store.read("tags"),
        ];
        expect(tables.map(({ table }) => table)).toEqual(["notes", "other__notes", "tags"]);
        expect(tables.map(({ columns }) => columns[0]!.name)).toEqual(["a", "b", "c"]);
      });
    });

    describe("names from data", () => {
      const names = [
        "select",
        'a"b; DROP TABLE notes; --',
        "it's",
        "größe",
        "日本",
        "n".repeat(200),
        "",
        "a\0b",
        "\ud800",
        "_key",
        "rowid",
        "sqlite_sequence",
        " ",
        "a.b",
        "?1",
        ":x",
        "$1",
      ];
      test.each(names)("%j is a store and a property", async (name) => {
        await store.write([[put(1, { [name]: "v", other: 1 }, origin(1), name)]]);
        expect(await valuesOf(name)).toEqual([{ [name]: "v", other: 1 }]);
        await store.write([[put(1, { [name]: "w", other: 2 }, origin(2), name)]]);
        expect(await valuesOf(name)).toEqual([{ [name]: "w", other: 2 }]);
      });

      test("names that an engine takes for equal are kept apart", async () => {
        const value = { id: 1, ID: 2, Id: 3, ["n".repeat(100)]: 4, ["n".repeat(101)]: 5 };
        await store.write([[put(1, value), put(1, value, origin(1), "NOTES")]]);
        expect(await valuesOf()).toEqual([value]);
        expect(await valuesOf("NOTES")).toEqual([value]);
      });

      test("a property keeps its column when a like-named one joins it", async () => {
        await store.write([[put(1, { size: 1 })]]);
        await store.write([[put(1, { Size: 2, size: 3 }, origin(2000))]]);
        const table = await store.read("notes");
        expect(table.columns[0]).toMatchObject({ name: "size", field: "size" });
        expect(await valuesOf()).toEqual([{ size: 3, Size: 2 }]);
      });

      test("a table that someone else made is left alone", async () => {
        await store.makeForeignTable("notes");
        await expect(store.write([[put(1, { a: 1 })]])).rejects.toThrow(/did not make/);
        await store.write([[put(1, { a: 1 })]], { tables: { notes: "my_notes" } });
        expect((await store.read("notes")).table).toBe("my_notes");
      });
    });

    describe("schema evolution", () => {
      test("new properties get columns, vanished ones keep theirs, integers widen", async () => {
        await store.write([[put(1, { n: 1, old: "x" }), put(2, { n: 2, old: "y" })]]);
        await store.write([[put(2, { n: 2.5, fresh: true }, origin(2000))]]);
        const table = await store.read("notes");
        expect(kindsOf(table)).toEqual({ n: "number", old: "text", fresh: "boolean" });
        expect(await valuesOf()).toEqual([
          { n: 1, old: "x" },
          { n: 2.5, fresh: true },
        ]);
      });

      test("an integer column that meets a fraction or a text later keeps what it has, and loses nothing", async () => {
        const big = Number.MAX_SAFE_INTEGER;
        await store.write([[put(1, { n: big }), put(2, { n: -big })]]);
        await store.write([[put(3, { n: 1.5 }), put(4, { n: "text" })]]);
        await store.write([[put(5, { n: 2n ** 63n - 1n }), put(6, { n: 7 })]]);
        expect(await valuesOf()).toEqual([big, -big, 1.5, "text", 2n ** 63n - 1n, 7].map((n) => ({ n })));
      });

      test("properties may vanish in one run and be back in the next", async () => {
        await store.write([[put(1, { a: 1, b: "x" })]]);
        await store.write([[put(1, { a: 2 }, origin(2000))]]);
        expect(await valuesOf()).toEqual([{ a: 2 }]);
        await store.write([[put(1, { b: "y" }, origin(3000))]]);
        expect(await valuesOf()).toEqual([{ b: "y" }]);
        expect(kindsOf(await store.read("notes"))).toEqual({ a: "integer", b: "text" });
      });

      test("a property called like a variant or a metadata column has a column of its own", async () => {
        const values = [
          { n: 1 },
          { n: 1 },
          { n: "x", n__v_json: { y: 1 }, _version: 5, _rest: "r", _issues: [1] },
        ];
        await store.write([values.map((value, i) => put(i, value))]);
        await store.write([[put(9, { n: true, n__v_json: 3 })]]);
        expect(await valuesOf()).toEqual([...values, { n: true, n__v_json: 3 }]);
        const names = (await store.read("notes")).columns.map(({ name }) => name);
        expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
      });

      test("a property that changes its type gets a variant column; the old column stays", async () => {
        await store.write([[put(1, { n: 1 })]]);
        await store.write([[put(2, { n: "two" }), put(3, { n: "three" })]]);
        expect(kindsOf(await store.read("notes"))).toEqual({ n: "integer", n__v_json: "json" });
        expect(await valuesOf()).toEqual([{ n: 1 }, { n: "two" }, { n: "three" }]);
      });
    });

    const describeChildTables = (): void => {
      const children = "tables" as const;
      const itemsOf = ({ children: all }: StoredTable, property: string): unknown[] =>
        all
          .find((child) => child.property === property)!
          .rows.map(({ parentKey, index, cells }) => [decodeKey(parentKey), index, cells]);

      test("lists of objects and of scalars have a row an item", async () => {
        const value = {
          title: "order",
          lines: [{ sku: "a", n: 1 }, { sku: "b", n: 2.5 }, "gift"],
          tags: ["x", "y"],
        };
        await store.write([[put(1, value), put(2, { tags: ["z"] })]], { children });
        const table = await store.read("notes");
        expect(kindsOf(table)).toEqual({ title: "text" });
        expect(table.children.map((child) => child.table)).toEqual(["notes__lines", "notes__tags"]);
        expect(itemsOf(table, "lines")).toEqual([
          [1, 0, { _value: null, sku: "a", n: 1 }],
          [1, 1, { _value: null, sku: "b", n: 2.5 }],
          [1, 2, { _value: "gift", sku: null, n: null }],
        ]);
        expect(itemsOf(table, "tags")).toEqual([
          [1, 0, { _value: "x" }],
          [1, 1, { _value: "y" }],
          [2, 0, { _value: "z" }],
        ]);
        expect(await valuesOf()).toEqual([value, { tags: ["z"] }]);
      });

      test("a list is replaced as a whole with its record, by newer versions alone", async () => {
        const versions = [[1, 2, 3], [4], [5, 6]].map((list, i) => put(1, { list }, origin(1000 * (i + 1))));
        await store.write([[versions[0]!]], { children });
        await store.write([[versions[2]!]], { children });
        await store.write([[versions[1]!, versions[0]!], [versions[2]!]], { children });
        const table = await store.read("notes");
        expect(itemsOf(table, "list")).toEqual([
          [1, 0, { _value: 5 }],
          [1, 1, { _value: 6 }],
        ]);
        expect(table.children[0]!.rows.map(({ version }) => version)).toEqual([
          table.rows[0]!.version,
          table.rows[0]!.version,
        ]);
      });

      test.each(["soft", "hard"] as const)("a %s deletion takes the items along", async (deletes) => {
        const options = { children, deletes };
        await store.write(
          [[put(1, { list: [1] }, origin(1000)), put(2, { list: [2] }, origin(1000))]],
          options,
        );
        await store.write([[tombstone(1, origin(2000))]], options);
        await store.write([[put(1, { list: [1] }, origin(1000))]], options);
        expect(itemsOf(await store.read("notes"), "list")).toEqual([[2, 0, { _value: 2 }]]);
      });

      test("what rows cannot tell stays JSON, and is listed", async () => {
        const sparse = [1, 2];
        sparse[5] = 3;
        const named = Object.assign([1], { note: "x" });
        const twice = [{ a: 1 }];
        const values = [
          { list: [1] },
          { list: sparse },
          { list: named },
          { list: [] },
          { list: "none" },
          { a: twice, list: twice },
        ];
        await store.write([values.map((value, i) => put(i, value))], { children });
        expect(await valuesOf()).toStrictEqual(values);
        const { rows } = await store.read("notes");
        const listed = rows.map(({ issues }) => (issues === null ? null : (JSON.parse(issues) as unknown)));
        const issue = [{ column: "list", issue: "list-as-json" }];
        expect(listed).toEqual([null, issue, issue, null, null, issue]);
      });

      test("later runs add columns to the tables of lists, and keep lists there without the option", async () => {
        await store.write([[put(1, { list: [{ a: 1 }] })]], { children });
        await store.write([[put(2, { list: [{ a: 1.5, b: "x" }, 7] }, origin(2000))]], { children });
        await store.write([[put(3, { list: [{ a: "text", c: 1 }] }, origin(3000))]]);
        const table = await store.read("notes");
        expect(table.children[0]!.rows).toHaveLength(4);
        expect(kindsOf(table.children[0]!)).toEqual({ a: "number", b: "text", _value: "integer" });
        expect(await valuesOf()).toEqual([
          { list: [{ a: 1 }] },
          { list: [{ a: 1.5, b: "x" }, 7] },
          { list: [{ a: "text", c: 1 }] },
        ]);
      });

      test.each(["select", 'a"b', "_list_index", "", "n".repeat(200), "tags"])(
        "%j is the name of a list and of a property of its items",
        async (name) => {
          const value = { [name]: [{ [name]: 1, _parent_key: "x", _value: true }, "text"] };
          await store.write([[put(1, value), put(1, { a: 1 }, origin(1), `notes__${name}`)]], { children });
          expect(await valuesOf()).toEqual([value]);
          expect(await valuesOf(`notes__${name}`)).toEqual([{ a: 1 }]);
        },
      );

      test("any lists come back exactly", async () => {
        const scalar = fc.oneof(
          fc.double(),
          fc.bigInt(),
          fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 5 }),
          fc.boolean(),
          fc.date({ noInvalidDate: false }),
          fc.uint8Array({ maxLength: 3 }),
          fc.constantFrom<unknown>(null, undefined, new Map([[1, 2]]), [1, [2]], {}),
        );
        const name = fc.constantFrom("a", "A", "$b", "_value", "__proto__", "_rest");
        const item = fc.oneof(scalar, fc.dictionary(name, scalar, { maxKeys: 3 }));
        const value = fc.dictionary(name, fc.oneof(scalar, fc.array(item, { maxLength: 4 })), { maxKeys: 4 });
        await fc.assert(
          fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 6 }), async (values) => {
            const place = await adapter.open();
            try {
              await place.write([values.map((one, i) => put(i, structuredClone(one)))], { children });
              expect(restoreValues(await place.read("notes"))).toStrictEqual(
                values.map((one) => withoutNulls(structuredClone(asPlain(one)))),
              );
            } finally {
              await place.close();
            }
          }),
          { seed: 9, numRuns: 30 },
        );
      });
    };
    if (adapter.childTables !== false) describe("child tables", describeChildTables);

    describe("versions", () => {
      const old = put(1, { v: "old" }, origin(1000));
      const fresh = put(1, { v: "new" }, origin(2000));

      test("an older record that comes later changes nothing", async () => {
        await store.write([[fresh], [old]]);
        await store.write([[old]]);
        expect(await valuesOf()).toEqual([{ v: "new" }]);
      });

      test("a replay changes nothing, not even the load id", async () => {
        await store.write([[fresh]], { loadId: "first" });
        await store.write([[fresh]], { loadId: "second" });
        expect((await store.read("notes")).rows.map(({ loadId }) => loadId)).toEqual(["first"]);
      });

      test("of duplicates in a bundle the newest stays", async () => {
        await store.write([[old, fresh, old]]);
        expect(await valuesOf()).toEqual([{ v: "new" }]);
      });

      test("equal times are decided by sequence, then device, then content: always the same", async () => {
        const ties = [
          put(1, { v: "a" }, origin(1, "phone", 0)),
          put(1, { v: "b" }, origin(1, "phone", 1)),
          put(1, { v: "c" }, origin(1, "laptop", 1)),
          put(1, { v: "d" }, origin(1, "phone", 1)),
        ];
        const winners = new Set<string>();
        for (const order of [ties, [...ties].reverse(), [ties[2]!, ties[0]!, ties[3]!, ties[1]!]]) {
          const place = await adapter.open();
          await place.write(order.map((record) => [record]));
          const table = await place.read("notes");
          winners.add(JSON.stringify(restoreValue(table.rows[0]!, table)));
          await place.close();
        }
        expect(winners.size).toBe(1);
        expect(["b", "d"].map((v) => JSON.stringify({ v }))).toContain([...winners][0]);
      });

      test("a path decides when the caller says so", async () => {
        const late = put(1, { v: "late capture", at: new Date(100) }, origin(5000));
        const edited = put(1, { v: "late edit", at: new Date(200) }, origin(3000));
        await store.write([[edited], [late]], { versionBy: "at" });
        expect(await valuesOf()).toMatchObject([{ v: "late edit" }]);
      });

      test("a record without a time at the path is older than any with one", async () => {
        const timeless = put(1, { v: "timeless" }, origin(9000));
        await store.write([[timeless]], { versionBy: "at" });
        expect(await valuesOf()).toEqual([{ v: "timeless" }]);
        await store.write([[put(1, { v: "timed", at: 1 }, origin(1))], [timeless]], { versionBy: "at" });
        expect(await valuesOf()).toMatchObject([{ v: "timed" }]);
      });

      test("any order of any records ends in the same rows", async () => {
        const event = fc.record({
          key: fc.nat(4),
          at: fc.nat(5),
          deleted: fc.boolean(),
          v: fc.nat(3),
        });
        await fc.assert(
          fc.asyncProperty(
            fc.array(event, { minLength: 1, maxLength: 15 }),
            fc.infiniteStream(fc.nat()),
            fc.constantFrom("soft" as const, "hard" as const),
            async (events, random, deletes) => {
              const records = events.map(({ key, at, deleted, v }) =>
                deleted ? tombstone(key, origin(at)) : put(key, { v }, origin(at)),
              );
              const shuffled = records
                .map((record) => ({ record, order: random.next().value as number }))
                .sort((a, b) => a.order - b.order)
                .map(({ record }) => record);
              const outcomes: unknown[] = [];
              for (const order of [records, shuffled]) {
                const place = await adapter.open();
                // The last bundle is delivered twice.
                await place.write([order.slice(0, 5), order.slice(5), order.slice(5)], {
                  deletes,
                  loadId: "x",
                });
                outcomes.push(
                  (await place.read("notes")).rows.map((row) => ({
                    ...row,
                    cells: { v: null, ...row.cells },
                  })),
                );
                await place.close();
              }
              expect(outcomes[1]).toEqual(outcomes[0]);
            },
          ),
          { seed: 4, numRuns: 25 },
        );
      });
    });

    describe("deletions", () => {
      test("a deleted record's row stays, marked, without values", async () => {
        await store.write([[put(1, { v: "x" }, origin(1000))], [tombstone(1, origin(2000, "laptop"))]]);
        const { rows } = await store.read("notes");
        expect(rows).toHaveLength(1);
        expect(rows[0]).toMatchObject({
          deleted: true,
          device: "laptop",
          extractedAt: 2000,
          cells: { v: null },
        });
      });

      test("a deletion of a record that was never seen is kept too", async () => {
        await store.write([[tombstone(1, origin(2000))]]);
        await store.write([[put(1, { v: "x" }, origin(1000))]]);
        expect((await store.read("notes")).rows).toMatchObject([{ deleted: true }]);
      });

      test("a newer record takes a deleted one's place", async () => {
        await store.write([[tombstone(1, origin(2000))], [put(1, { v: "back" }, origin(3000))]]);
        expect((await store.read("notes")).rows).toMatchObject([{ deleted: false, cells: { v: "back" } }]);
      });

      test("a hard deletion removes the row, and a late redelivery does not bring it back", async () => {
        const options = { deletes: "hard" } as const;
        await store.write([[put(1, { v: "x" }, origin(1000)), put(2, { v: "y" }, origin(1000))]], options);
        await store.write([[tombstone(1, origin(2000))]], options);
        await store.write([[put(1, { v: "x" }, origin(1000))]], options);
        expect(keysOf((await store.read("notes")).rows)).toEqual([2]);
        await store.write([[put(1, { v: "new" }, origin(3000))]], options);
        expect(keysOf((await store.read("notes")).rows)).toEqual([1, 2]);
      });
    });

    describe("records that cannot be written", () => {
      let deep: unknown = 1;
      for (let i = 0; i < 1500; i++) deep = [deep];
      const bad = put(2, { deep });
      const good = [put(1, { a: 1 }), put(3, { a: 3 })];

      test("fail the job by default, and nothing of their bundle is written", async () => {
        await expect(store.write([[good[0]!, bad, good[1]!]])).rejects.toThrow(/nested more than/);
        const { rows } = await store.read("notes");
        expect(rows).toEqual([]);
      });

      test("are handed out when the caller wants them, and the others are written", async () => {
        const { failed } = await store.write([[good[0]!, bad, good[1]!]], { onError: "failedRecords" });
        expect(failed).toMatchObject([{ store: "notes", code: "SNAPSHOT_LIMIT_EXCEEDED" }]);
        expect(keysOf((await store.read("notes")).rows)).toEqual([1, 3]);
      });

      test("a record that no date can be given to is one of them", async () => {
        const far = put(2, { a: 2 }, origin(1e300));
        const { failed } = await store.write([[good[0]!, far]], { onError: "failedRecords" });
        expect(failed).toMatchObject([{ store: "notes", code: "STORE_CONSTRAINT" }]);
        expect(keysOf((await store.read("notes")).rows)).toEqual([1]);
      });
    });
  });
}

/** Dictionaries of fast-check have no prototype; a stored one has. */
function asPlain(value: unknown): unknown {
  if (Object.prototype.toString.call(value) !== "[object Object]") return value;
  const copy = {};
  for (const [name, item] of Object.entries(value as object))
    Object.defineProperty(copy, name, { value: item, writable: true, enumerable: true, configurable: true });
  return copy;
}

/** Properties of records, and of the items of their lists, that are NULL in a column: null and undefined are not told from missing. */
function withoutNulls(value: unknown): unknown {
  const strip = (object: object): object => {
    for (const [name, item] of Object.entries(object))
      if (item === null || item === undefined) Reflect.deleteProperty(object, name);
    return object;
  };
  for (const item of Object.values(strip(value as object)))
    if (Array.isArray(item))
      for (const one of item)
        if (Object.prototype.toString.call(one) === "[object Object]") strip(one as object);
  return value;
}
