import fc from "fast-check";
import { expect, test } from "vitest";
import {
  compareVersions,
  decodeRecord,
  encodeRecord,
  recordVersion,
  compareKeyBytes,
  sha256,
  SnapshotBlob,
  SnapshotError,
  SnapshotRecord,
  unionSchemas,
  unknownOrigin,
  type DatabaseSchema,
  type ObjectStoreSchema,
} from "../../snapshot/index.js";
import { arbitraryString } from "./arbitrary-value.js";

const hash = fc.constantFrom("", "ab".repeat(32), "01".repeat(32));
const origin = fc.record({
  device: arbitraryString,
  snapshot: hash,
  capturedAt: fc.integer({ min: 0, max: 2 ** 45 }),
  sequence: fc.nat(5),
});
const record = fc
  .record({
    database: arbitraryString,
    store: arbitraryString,
    key: fc.oneof(fc.double({ noNaN: true }), fc.string(), fc.constantFrom(-0, 0)),
    deleted: fc.boolean(),
    origin,
    value: fc.anything({ maxDepth: 1 }),
    source: fc.option(fc.string(), { nil: undefined }),
  })
  .map(({ deleted, value, ...parts }) =>
    SnapshotRecord.of<unknown, unknown>({ ...parts, deleted, ...(deleted ? {} : { value: plain(value) }) }),
  );

/** fast-check's anything has functions' worth of oddities; numbers and text are enough here. */
function plain(value: unknown): unknown {
  return typeof value === "object" ? JSON.stringify(value) : value;
}

test("a record comes back from its wire form with everything it had, its bytes untouched", () => {
  fc.assert(
    fc.property(record, (one) => {
      const back = decodeRecord(encodeRecord(one));
      for (const name of [
        "database",
        "store",
        "deleted",
        "origin",
        "keyBytes",
        "valueBytes",
        "source",
      ] as const)
        expect(back[name]).toEqual(one[name]);
      expect(back.negativeZeros).toEqual(one.negativeZeros);
      expect(Object.is(back.key, one.key) || Buffer.compare(back.keyBytes, one.keyBytes) === 0).toBe(true);
    }),
    { numRuns: 3000, seed: 3 },
  );
});

test("versions are a total order, the same as objects and as bytes", () => {
  fc.assert(
    fc.property(record, record, record, fc.constantFrom(undefined, "at"), (a, b, c, by) => {
      const sign = Math.sign(compareVersions(a, b, by));
      expect(sign).toBe(-Math.sign(compareVersions(b, a, by)) || 0);
      expect(sign).toBe(Math.sign(compareKeyBytes(recordVersion(a, by), recordVersion(b, by))));
      if (compareVersions(a, b, by) <= 0 && compareVersions(b, c, by) <= 0)
        expect(compareVersions(a, c, by)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 3000, seed: 4 },
  );
});

test.each([
  ["a later Date", { at: new Date(2) }, { at: new Date(1) }],
  ["a later number", { at: 2 }, { at: 1 }],
  ["a later ISO text", { at: "2026-01-02" }, { at: "2026-01-01T10:00:00Z" }],
  ["a Date against its milliseconds", { at: new Date(5) }, { at: 4 }],
  ["any time against none", { at: -1e9 }, {}],
  ["any time against an invalid one", { at: 0 }, { at: new Date(NaN) }],
])("%s is the later version", (_what, later, earlier) => {
  const of = (value: unknown) => SnapshotRecord.of({ store: "s", key: 1, value });
  expect(compareVersions(of(later), of(earlier), "at")).toBeGreaterThan(0);
});

test("key and value are decoded when they are looked at, once", () => {
  const broken = SnapshotRecord.fromBytes({
    database: "d",
    store: "s",
    keyBytes: Uint8Array.of(0x30, 0x62, 0),
    valueBytes: Uint8Array.of(0xff),
    origin: unknownOrigin,
  });
  expect(broken.key).toBe("a");
  expect(() => broken.value).toThrow(SnapshotError);
  expect(() => broken.value).toThrow(/key "a" in object store "s"/);
  const good = SnapshotRecord.of({ store: "s", key: ["a", new Date(0)], value: { list: [1] } });
  expect(good.value).toBe(good.value);
  expect(good.key).toBe(good.key);
});

test("a changed record keeps what was not changed", () => {
  const blob = new SnapshotBlob({ sha256: sha256(Uint8Array.of(1)), size: 1, type: "" });
  const first = SnapshotRecord.of({
    database: "d",
    store: "s",
    key: -0,
    value: blob,
    origin: { device: "x", snapshot: "", capturedAt: 1, sequence: 2 },
    source: "file",
  });
  const second = first.withValue("new");
  expect([second.value, second.source, second.origin, Object.is(second.key, -0)]).toEqual([
    "new",
    "file",
    first.origin,
    true,
  ]);
  expect(first.withKey(7)).toMatchObject({ key: 7, negativeZeros: undefined, store: "s" });
  expect(first.with({ store: "t" })).toMatchObject({ store: "t", database: "d" });
  const gone = first.toTombstone();
  expect([gone.deleted, gone.value, gone.valueBytes]).toEqual([true, undefined, undefined]);
});

const store = (name: string, change: Partial<ObjectStoreSchema> = {}): ObjectStoreSchema => ({
  name,
  keyPath: "id",
  autoIncrement: false,
  indexes: [],
  ...change,
});
const schema = (version: number, ...objectStores: ObjectStoreSchema[]): DatabaseSchema => ({
  name: "db",
  version,
  objectStores,
});

test("schemas unite: the highest version, older stores kept, generators at their highest, in any order", () => {
  const a = schema(1, store("old"), store("s"));
  const b = schema(
    2,
    store("s", { keyPath: "key", autoIncrement: true, keyGenerator: { currentNumber: 5 } }),
  );
  const c = schema(
    2,
    store("s", { keyPath: "key", autoIncrement: true, keyGenerator: { currentNumber: 9 } }),
  );
  const united = unionSchemas([a, b, c]);
  expect(united.version).toBe(2);
  expect(
    united.objectStores.map(({ name, keyPath, keyGenerator }) => [
      name,
      keyPath,
      keyGenerator?.currentNumber,
    ]),
  ).toEqual([
    ["s", "key", 9],
    ["old", "id", undefined],
  ]);
  for (const order of [
    [c, b, a],
    [b, a, c],
    [a, b, c, a],
  ])
    expect(unionSchemas(order)).toEqual(united);
});

test("two definitions of a store in one version are a conflict", () => {
  expect(() => unionSchemas([schema(1, store("s")), schema(1, store("s", { keyPath: null }))])).toThrow(
    expect.objectContaining({ code: "SNAPSHOT_SCHEMA_CONFLICT", store: "s" }) as Error,
  );
});
