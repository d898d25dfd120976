import { describe, expect, test } from "vitest";
import { create, groupRecordsByKey, type GroupRecordsOptions, withName } from "../../beam/index.js";
import { decodeKey, encodeKey, type Key, SnapshotRecord } from "../../snapshot/index.js";
import { collect } from "./collect.js";

const record = (store: string, key: unknown, value: unknown, database = "app") =>
  SnapshotRecord.of<unknown, Key>({ database, store, key: key as Key, value });

async function groups(records: SnapshotRecord[], options?: GroupRecordsOptions) {
  const found = await collect((root) => root.apply(create(records)).apply(groupRecordsByKey(options)));
  return found
    .map(({ key, records: members }) => ({
      ...key,
      keyBytes: undefined,
      key: decodeKey(key.keyBytes),
      values: members.map((member) => member.value).sort(),
    }))
    .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

describe("groupRecordsByKey", () => {
  test("groups by store and key, whatever the database", async () => {
    const found = await groups([
      record("notes", 1, "a"),
      record("notes", 1, "b", "other"),
      record("notes", "1", "c"),
      record("tags", 1, "d"),
      record("notes", [1, new Date(5)], "e"),
      record("notes", [1, new Date(5)], "f"),
    ]);
    expect(found.map(({ store, values }) => [store, values]).sort()).toEqual([
      ["notes", ["a", "b"]],
      ["notes", ["c"]],
      ["notes", ["e", "f"]],
      ["tags", ["d"]],
    ]);
    expect(found.every((group) => !("database" in group))).toBe(true);
  });

  test("takes 0 and -0 as one key, as IndexedDB does", async () => {
    expect(await groups([record("s", 0, "a"), record("s", -0, "b")])).toMatchObject([{ values: ["a", "b"] }]);
  });

  test("keeps databases apart when asked", async () => {
    const found = await groups([record("s", 1, "a"), record("s", 1, "b", "other"), record("s", 1, "c")], {
      byDatabase: true,
    });
    expect(found).toMatchObject([
      { database: "app", store: "s", values: ["a", "c"] },
      { database: "other", store: "s", values: ["b"] },
    ]);
  });

  test("keeps stores apart whose names differ in a lone surrogate, or run into the key", async () => {
    const found = await groups([
      record("\ud800", 1, "a"),
      record("\ud801", 1, "b"),
      record("", "ab", "c"),
      record("a", "b", "d"),
    ]);
    expect(found.map(({ values }) => values).sort()).toEqual([["a"], ["b"], ["c"], ["d"]]);
  });

  test("decodes neither keys nor values", async () => {
    const opaque = (value: number) =>
      SnapshotRecord.fromBytes({
        database: "app",
        store: "s",
        keyBytes: new Uint8Array([0xff, 0xff]),
        valueBytes: new Uint8Array([0xff, value]),
        deleted: false,
      });
    const found = await collect((root) =>
      root.apply(create([opaque(1), opaque(2)])).apply(groupRecordsByKey()),
    );
    expect(found).toHaveLength(1);
    expect([...found[0]!.key.keyBytes]).toEqual([0xff, 0xff]);
    expect(found[0]!.records.map(({ valueBytes }) => valueBytes![1]).sort()).toEqual([1, 2]);
  });

  test("gives keys that are plain bytes of their own", async () => {
    const found = await collect((root) =>
      root.apply(withName("one", create([record("s", "k", 1)]))).apply(groupRecordsByKey()),
    );
    const { keyBytes } = found[0]!.key;
    expect(keyBytes).toEqual(encodeKey("k"));
    expect(Object.getPrototypeOf(keyBytes)).toBe(Uint8Array.prototype);
    expect(keyBytes.buffer.byteLength).toBe(keyBytes.length);
  });
});
