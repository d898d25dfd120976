import { describe, expect, test } from "vitest";
import { exportDB, importDB } from "../../browser/index.js";
import { structuredDifference } from "../structured-difference.js";
import { collect, createDatabase, memoryIndexedDB, readDatabase } from "../browser-node/memory-indexeddb.js";

/**
 * The values that web-platform-tests put into IndexedDB (IndexedDB/structured-clone, value, value_recursive, nested-cloning-*,
 * clone-before-keypath-eval), as facts: what comes out of a database, went through a snapshot into another one, and comes out of that must be the same.
 * What only browsers have (Blob, File, FileList, ImageData, geometry, DOMException) is in test/browser.
 */

const buffer = () => Uint8Array.from({ length: 256 }, (_, i) => i).buffer;
type ViewConstructor = new (buffer: ArrayBuffer, byteOffset?: number, length?: number) => ArrayBufferView;

const views: readonly ViewConstructor[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];

const circularObject: Record<string, unknown> = {};
circularObject.property = circularObject;
const circularArray: unknown[] = [];
circularArray[0] = circularArray;
const circularMap = new Map<unknown, unknown>();
circularMap.set(circularMap, circularMap);
const circularSet = new Set<unknown>();
circularSet.add(circularSet);
const twice = { deep: { deeper: [1, 2, 3] } };

function withGetter(): object {
  let calls = 0;
  return {
    get counted() {
      return ++calls;
    },
    other: "x",
  };
}

class Custom {
  readonly own = 1;
  get inherited(): number {
    return this.own + 1;
  }
}

const cases: Readonly<Record<string, readonly unknown[]>> = {
  "undefined and null": [undefined, null],
  booleans: [false, true],
  "numbers and their limits": [
    NaN,
    -Infinity,
    -Number.MAX_VALUE,
    -0xffffffff,
    -0x80000000,
    -0x7fffffff,
    -1,
    -Number.MIN_VALUE,
    -0,
    0,
    1,
    Number.MIN_VALUE,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    Number.MAX_SAFE_INTEGER,
    Number.MAX_VALUE,
    Infinity,
  ],
  bigints: [-12345678901234567890n, -1n, 0n, 1n, 12345678901234567890n, 2n ** 4000n],
  strings: [
    "",
    "this is a sample string",
    "null(\0)",
    "\u00ff\u0100\u4e2d\u{1f600}",
    "\ud800",
    "\udfff lone",
    "\udc00\ud800",
    "x".repeat(100_000),
  ],
  "boxed primitives": [
    Object(false),
    Object(true),
    ...[NaN, -Infinity, -0, 0, 5e-324, 0xffffffff].map((number) => Object(number) as unknown),
    Object(""),
    Object("null(\0)"),
    Object(-5n),
  ],
  "dates to the ends of time": [
    ...[-1e13, -1e12, -1, 0, 1, 1e12, 8.64e15, -8.64e15, NaN].map((time) => new Date(time)),
    new Date(2011, 6, 14),
  ],
  "regular expressions without their lastIndex": [
    new RegExp(""),
    /abc/,
    /abc/g,
    /abc/i,
    /abc/gi,
    /abc/m,
    /abc/gimsuy,
    /\//,
    /[/]\n\u{1f600}/u,
  ],
  "buffers and views": [
    new ArrayBuffer(0),
    buffer(),
    ...views.flatMap((View) => [new View(new ArrayBuffer(0)), new View(buffer()), new View(buffer(), 16, 8)]),
    [new Uint8Array(8), buffer()],
  ],
  "Maps and Sets": [
    new Map(),
    new Map<unknown, unknown>([
      ["x", "y"],
      [1, { two: 3 }],
      [NaN, undefined],
      [-0, 0],
    ]),
    new Map([[{ key: 1 }, new Map([["inner", new Set([1])]])]]),
    new Set(),
    new Set<unknown>([1, "x", true, undefined, null, NaN, "\0"]),
  ],
  errors: [
    new Error(),
    new Error("abc", { cause: { code: 7 } }),
    new EvalError("a"),
    new RangeError("b"),
    new ReferenceError("c"),
    new SyntaxError("d"),
    new TypeError("e"),
    new URIError("f"),
  ],
  "objects and arrays": [
    {},
    [],
    { foo: true, bar: false },
    { foo: true, bar: false, 7: "seven", 3: "three", "": "empty" },
    ["foo", , , "bar", , ,],
    Object.assign(["foo", "bar"], { "": true, foo: true, bar: false }),
    Object.assign(["foo", , "bar"], { foo: true, bar: undefined }),
    new Array(12),
    Object.assign([], { length: 100_000, 99_999: "last" }),
    Object.create(null, { own: { value: 1, enumerable: true } }),
    Object.create({ inherited: 1 }, { hidden: { value: 1 }, shown: { value: 2, enumerable: true } }),
    new Custom(),
    withGetter(),
    { __proto__: null, undefinedValue: undefined },
  ],
  "shared and circular references": [
    circularObject,
    circularArray,
    circularMap,
    circularSet,
    { a: twice, b: twice, c: [twice.deep, twice] },
    { object: circularObject, array: circularArray },
  ],
  "nested values with binary data": [
    { blob: new Uint8Array(1000).fill(7), more: { blob: new Uint8Array(200_000).fill(9) } },
    Array.from({ length: 30 }, (_, i) => ({ i, bytes: new Uint8Array(5000).fill(i), text: `part ${i}` })),
    [new Map([["bytes", new Uint8Array(1 << 20)]]), { key: "tail" }],
  ],
};

async function through(values: readonly unknown[]): Promise<[before: unknown, after: unknown][]> {
  const from = memoryIndexedDB();
  const entries = values.map((value, i) => [i, value] as const);
  await createDatabase(from.indexedDB, "wpt", { values: { entries } });
  const to = memoryIndexedDB();
  await importDB(await collect(exportDB("wpt", from)), to);
  const read = async (factory: globalThis.IDBFactory) =>
    (await readDatabase(factory, "wpt")).stores.values!.map(([, value]) => value);
  const [before, after] = [await read(from.indexedDB), await read(to.indexedDB)];
  expect(after.length).toBe(values.length);
  return before.map((value, i) => [value, after[i]]);
}

describe("values of web-platform-tests are the same on the other side", () => {
  test.each(Object.entries(cases))("%s", async (_name, values) => {
    for (const [before, after] of await through(values))
      expect(structuredDifference(after, before)).toBeUndefined();
  });

  test("what a database refuses, encoding refuses, too", async () => {
    const { encodeValue } = await import("../../snapshot/index.js");
    const refused = [
      () => 1,
      Symbol("s"),
      new WeakMap(),
      new WeakSet(),
      Promise.resolve(1),
      { deep: [{ fn: () => 1 }] },
      new Map([[{}, Symbol("deep")]]),
    ];
    for (const value of refused) {
      expect(() => structuredClone(value)).toThrow();
      expect(() => encodeValue(value)).toThrow(
        expect.objectContaining({ code: "SNAPSHOT_VALUE_UNSUPPORTED" }),
      );
    }
  });
});
