import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  compareKeyBytes,
  compareKeys,
  decodeKey,
  encodeKey,
  encodeKeyRange,
  type Key,
  negativeZerosOf,
  positionInRange,
} from "../../snapshot/index.js";
import { arbitraryString } from "./arbitrary-value.js";

const runs = Number(process.env.KEY_RUNS ?? 20_000);
const factory = new IDBFactory();

const number = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.constantFrom(0, -0, Infinity, -Infinity, 5e-324, -5e-324),
);
const date = fc.date({ noInvalidDate: true });
// fake-indexeddb refuses empty binary keys on Node 20; the vectors have them.
const binary = fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => new Uint8Array(bytes).buffer);
const key = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    number,
    date,
    arbitraryString,
    binary,
    fc.array(tie("key"), { maxLength: 4 }),
  ),
})).key;

test("the bytes of any two keys compare as indexedDB.cmp does", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeyBytes(encodeKey(a), encodeKey(b)))).toBe(factory.cmp(a, b));
      expect(compareKeys(a, b)).toBe(factory.cmp(a, b));
    }),
    { numRuns: runs, seed: 7 },
  );
});

test("near neighbours compare as indexedDB.cmp does", () => {
  const near = fc.tuple(
    arbitraryString,
    fc.integer({ min: 0, max: 0xffff }),
    fc.integer({ min: 0, max: 0xffff }),
  );
  fc.assert(
    fc.property(near, ([prefix, a, b]) => {
      const [x, y] = [prefix + String.fromCharCode(a), prefix + String.fromCharCode(b)];
      expect(compareKeys(x, y)).toBe(factory.cmp(x, y));
      expect(compareKeys([x], [y])).toBe(factory.cmp([x], [y]));
    }),
    { numRuns: runs, seed: 8 },
  );
});

test("every key comes back the same, -0 included", () => {
  fc.assert(
    fc.property(key, (one) => {
      expect(decodeKey(encodeKey(one), negativeZerosOf(one))).toEqual(one);
    }),
    { numRuns: runs, seed: 9 },
  );
});

test("a key lies in a range exactly when IDBKeyRange includes it", () => {
  fc.assert(
    fc.property(key, key, key, fc.boolean(), fc.boolean(), (a, b, one, lowerOpen, upperOpen) => {
      fc.pre(factory.cmp(a, b) < 0);
      const range = IDBKeyRange.bound(a, b, lowerOpen, upperOpen);
      expect(positionInRange(encodeKey(one), encodeKeyRange(range)) === 0).toBe(range.includes(one));
    }),
    { numRuns: runs / 4, seed: 10 },
  );
});

test.each([
  ["NaN", NaN],
  ["an invalid Date", new Date(NaN)],
  ["null", null],
  ["undefined", undefined],
  ["a boolean", true],
  ["a bigint", 1n],
  ["an object", {}],
  ["a hole", [, 1]],
  ["a value inside an array", [[true]]],
  ["a Map", new Map()],
] as const)("%s is no key", (_what, value) => {
  expect(() => encodeKey(value)).toThrow(expect.objectContaining({ code: "SNAPSHOT_KEY_INVALID" }) as Error);
});

test("a cycle is no key", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(() => encodeKey(cycle)).toThrow(expect.objectContaining({ code: "SNAPSHOT_KEY_INVALID" }) as Error);
});
