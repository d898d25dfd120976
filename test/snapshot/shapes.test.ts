import { expect, test } from "vitest";
import { decodeValue, encodeValue, toHex } from "../../snapshot/index.js";
import { structuredDifference } from "../structured-difference.js";

/** Objects each of which has a name of its own: what a store that is used as a dictionary holds. */
const inNewShapes = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => ({ [`${prefix}${i}`]: i }));
const wide = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`name ${i}`, i]));

/** Known names are kept from value to value, to a limit, on both sides: what was encoded before must not show. */
test("the bytes of a value do not depend on how many shapes were met before it", () => {
  const value = [{ p: 1 }, { q: 2, r: 3 }, { p: 4 }, { q: 5, r: 6 }];
  const expected = toHex(encodeValue(value));
  for (let i = 0; i < 12_000; i++) {
    encodeValue({ [`before ${i}`]: i });
    if (i % 2 === 0) expect(toHex(encodeValue(value))).toBe(expected);
    if (i % 3 === 0) expect(structuredDifference(decodeValue(encodeValue(value)), value)).toBeUndefined();
  }
});

test.each([1500, 2047, 2048, 2049, 5000])(
  "a value with %i shapes between two objects of one shape declares that shape once",
  (count) => {
    const value = [{ a: 1 }, ...inNewShapes(count, "between "), { a: 2 }];
    // The encoder alone meets these: its memory and the decoder's are not filled alike.
    for (const one of inNewShapes(1500, "encoded only ")) encodeValue(one);
    const bytes = encodeValue(value);
    expect(Buffer.from(bytes).toString("latin1").split("\x03\x01\x04a").length - 1).toBe(1);
    expect(structuredDifference(decodeValue(bytes), value)).toBeUndefined();
    for (let i = 0; i < 3; i++) {
      expect(Buffer.compare(encodeValue(value), bytes)).toBe(0);
      expect(Buffer.compare(encodeValue(decodeValue(bytes)), bytes)).toBe(0);
    }
  },
);

test.each([256, 257, 300, 5000])("objects of %i names declare them once a value", (names) => {
  const one = wide(names);
  const alone = encodeValue(one).length;
  const value = [one, { s: 1 }, wide(names), { s: 2 }, wide(names)];
  const bytes = encodeValue(value);
  expect(bytes.length).toBeLessThan(3 * alone);
  encodeValue([{ s: 1 }, wide(names), { s: 1 }]);
  expect(Buffer.compare(encodeValue(value), bytes)).toBe(0);
  expect(structuredDifference(decodeValue(bytes), value)).toBeUndefined();
});

test("a value with hundreds of thousands of shapes is encoded and decoded, and the next one as if it had not been", () => {
  const before = toHex(encodeValue([{ a: 1 }, { b: 2 }, { a: 3 }]));
  const value = inNewShapes(200_000, "k");
  const decoded = decodeValue(encodeValue(value)) as readonly object[];
  expect([decoded.length, decoded[199_999]]).toEqual([200_000, { k199999: 199_999 }]);
  for (let i = 0; i < 3; i++) expect(toHex(encodeValue([{ a: 1 }, { b: 2 }, { a: 3 }]))).toBe(before);
});
