import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exportDB } from "../../browser/index.js";
import {
  bytesSource,
  compareKeyBytes,
  decodeKey,
  encodeKey,
  SnapshotReader,
  valueAt,
} from "../../snapshot/index.js";
import { collect, createDatabase, memoryIndexedDB, readDatabase } from "../browser-node/memory-indexeddb.js";

/**
 * Keys as web-platform-tests use them (IndexedDB/keyorder, objectstore_keyorder, key_valid, key_invalid, key-conversion-exceptions,
 * idb-binary-key-*, keypath*), as facts, against fake-indexeddb.
 */

const factory = new IDBFactory();
const cmp = (a: unknown, b: unknown): number => factory.cmp(a, b);
const bytes = (...values: number[]) => Uint8Array.from(values).buffer;

type ViewConstructor = new (buffer: ArrayBuffer, byteOffset?: number, length?: number) => ArrayBufferView;

/** In ascending order; no two are equal. */
const ascending: readonly IDBValidKey[] = [
  -Infinity,
  -Number.MAX_VALUE,
  -1,
  -Number.MIN_VALUE,
  0,
  Number.MIN_VALUE,
  1,
  1.5,
  5e9,
  Number.MAX_VALUE,
  Infinity,
  new Date(-8.64e15),
  new Date(-1),
  new Date(0),
  new Date(1971, 12, 12),
  new Date(8.64e15),
  "",
  "\0",
  "\u0001",
  " ",
  "0",
  "A",
  "B",
  "a",
  "aa",
  "ab",
  "b",
  "\u007e",
  "\u007f",
  "\u0080",
  "\u00df",
  "\u407e",
  "\u407f",
  "\ud7ff",
  "\ud83d\ude00",
  "\udfff",
  "\ue000",
  "\uffff",
  bytes(0),
  bytes(0, 0),
  bytes(0, 1),
  bytes(1),
  bytes(127),
  bytes(128),
  bytes(255),
  bytes(255, 0),
  [],
  [-Infinity],
  [0],
  [0, 0],
  [0, new Date(0)],
  [0, "x"],
  [1],
  [Infinity],
  [new Date(0)],
  [new Date(0), -1],
  [""],
  ["a"],
  ["a", "b"],
  ["b"],
  [bytes(0)],
  [bytes(255)],
  [[]],
  [[], 0],
  [[0]],
  [["a"]],
  [[[]]],
  [[[[0]]]],
];

function shuffled<T>(values: readonly T[], seed: number): T[] {
  const result = [...values];
  for (let i = result.length - 1, state = seed; i > 0; i--) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const j = state % (i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

describe("the order of keys", () => {
  test("is the database's for every pair of kinds", () => {
    ascending.forEach((a, i) => {
      ascending.forEach((b, j) => {
        expect(Math.sign(compareKeyBytes(encodeKey(a), encodeKey(b)))).toBe(Math.sign(i - j));
        expect(cmp(a, b)).toBe(Math.sign(i - j));
      });
    });
  });

  test.each([1, 2, 3])("is that of a snapshot, whatever the order of the puts (%i)", async (seed) => {
    const from = memoryIndexedDB();
    await createDatabase(from.indexedDB, "wpt", {
      keys: { entries: shuffled(ascending, seed).map((key) => [key, "value"] as const) },
    });
    const reader = await SnapshotReader.open(bytesSource(await collect(exportDB("wpt", from))));
    const keys: unknown[] = [];
    for await (const { key } of reader.records()) keys.push(key);
    expect(keys).toEqual(ascending);
    const ranges = [
      IDBKeyRange.bound("a", "b", false, true),
      IDBKeyRange.lowerBound([]),
      IDBKeyRange.upperBound(new Date(0), true),
      IDBKeyRange.only([0, "x"]),
    ];
    for (const keyRange of ranges) {
      const inside: unknown[] = [];
      for await (const { key } of reader.records({ keyRange })) inside.push(key);
      expect(inside).toEqual(ascending.filter((key) => keyRange.includes(key)));
    }
  });

  test("of lists of views is that of their bytes, and all come back as buffers", () => {
    for (const View of [Int8Array, Uint16Array, Float64Array, DataView, Uint8ClampedArray]) {
      const view = new (View as ViewConstructor)(bytes(9, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0), 8, 1);
      const viewed = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
      expect(decodeKey(encodeKey(view))).toEqual(viewed.buffer);
      expect(compareKeyBytes(encodeKey(view), encodeKey(viewed.buffer))).toBe(0);
    }
  });
});

const circular: unknown[] = [];
circular.push(circular);
const withHole = [1, , 2];
const throwing = {
  get key(): never {
    throw new RangeError("no");
  },
};

describe("what is no key", () => {
  test.each<[name: string, value: unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["true", true],
    ["NaN", NaN],
    ["an invalid Date", new Date(NaN)],
    ["a Date in a boxed form", Object(new Date(0).getTime())],
    ["a bigint", 1n],
    ["a boxed string", Object("a")],
    ["a boxed boolean", Object(false)],
    ["an object", {}],
    ["a Map", new Map()],
    ["an error", new Error("x")],
    ["a regular expression", /x/],
    ["a function", () => 1],
    ["an array with a hole", withHole],
    ["an array of undefined", [undefined]],
    ["an array of NaN", [1, NaN]],
    ["an array of an object", [{}]],
    ["a deep array of an invalid Date", [[[[new Date(NaN)]]]]],
    ["an array that holds itself", circular],
    ["an object with a getter that throws", throwing],
    ["an array-like object", { length: 0, constructor: Array }],
  ])("%s is refused, as by the database", (_name, value) => {
    expect(() => cmp(value, 1)).toThrow();
    expect(() => encodeKey(value as IDBValidKey)).toThrow(
      expect.objectContaining({ code: "SNAPSHOT_KEY_INVALID" }),
    );
  });

  test("values of any kind are keys for both or for neither", () => {
    const part = fc.oneof(
      fc.constantFrom<unknown>(
        ...ascending.filter((key) => !Array.isArray(key)),
        undefined,
        null,
        NaN,
        true,
        {},
      ),
      fc.double(),
      fc.string({ unit: "binary" }),
      fc.date({ noInvalidDate: false }),
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, part, fc.array(tie("tree"), { maxLength: 4 })),
    }));
    const isKey = (test: () => unknown): boolean => {
      try {
        test();
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      // fake-indexeddb takes one part that stands twice in an array for a cycle, so it gets a copy.
      fc.property(tree, (value) => {
        expect(isKey(() => encodeKey(value as IDBValidKey))).toBe(
          isKey(() => cmp(structuredClone(value), 0)),
        );
      }),
      { numRuns: 2000, seed: 5 },
    );
  });
});

describe("key paths", () => {
  test.each<[keyPath: string | string[], value: unknown, key: unknown]>([
    ["my.key", { my: { key: 10 } }, 10],
    ["my.key", { my: { key: ["x", 1] } }, ["x", 1]],
    ["my.key_ya", { my: { key_ya: new Date(3) } }, new Date(3)],
    ["", "value itself", "value itself"],
    ["length", "abcde", 5],
    ["length", ["a", "b"], 2],
    ["deep.length", { deep: "abc" }, 3],
    ["a.b.c.d", { a: { b: { c: { d: -1 } } } }, -1],
    [["x", "y"], { x: 1, y: "two" }, [1, "two"]],
    [["x"], { x: [1] }, [[1]]],
    [["a.b", "c"], { a: { b: 1 }, c: [2] }, [1, [2]]],
  ])("%j gives the key that the database gives", async (keyPath, value, key) => {
    expect(valueAt(value, keyPath)).toEqual(key);
    const from = memoryIndexedDB();
    await createDatabase(from.indexedDB, "wpt", {
      store: { options: { keyPath }, values: [value] },
    });
    const { stores } = await readDatabase(from.indexedDB, "wpt");
    expect(stores.store![0]![0]).toEqual(key);
  });

  test.each<[keyPath: string | string[], value: unknown]>([
    ["my.key", { my: {} }],
    ["my.key", { my: null }],
    ["my.key", {}],
    ["toString", {}],
    ["a.toString.length", { a: {} }],
    [["x", "y"], { x: 1 }],
    ["a.b", { a: 5 }],
  ])("%j leads nowhere", (keyPath, value) => {
    expect(valueAt(value, keyPath)).toBeUndefined();
  });
});
