import fc from "fast-check";
import { expect, test } from "vitest";
import { HostObject } from "../../snapshot/index.js";
import { structuredEqual } from "../../testing/index.js";

const loop = (length: number) => {
  const nodes: Record<string, unknown>[] = Array.from({ length }, () => ({}));
  nodes.forEach((node, i) => (node.next = nodes[(i + 1) % length]));
  return nodes[0];
};
const part = { a: 1 };

test.each<[string, unknown, unknown, boolean]>([
  ["NaN", NaN, NaN, true],
  ["0 and -0", 0, -0, false],
  ["deep -0", { a: [0] }, { a: [-0] }, false],
  ["property order", { a: 1, b: 2 }, { b: 2, a: 1 }, true],
  ["a property more", { a: 1 }, { a: 1, b: undefined }, false],
  ["a hole and undefined", [, 1], [undefined, 1], false],
  ["Dates", new Date(1), new Date(1), true],
  ["invalid Dates", new Date(NaN), new Date(NaN), true],
  ["a Date and a number", new Date(1), 1, false],
  ["Maps", new Map([[{ a: 1 }, 2]]), new Map([[{ a: 1 }, 2]]), true],
  [
    "Maps in another order",
    new Map([
      [1, 1],
      [2, 2],
    ]),
    new Map([
      [2, 2],
      [1, 1],
    ]),
    false,
  ],
  ["Map and Set", new Map(), new Set(), false],
  ["views of other kinds", new Uint8Array(2), new Int8Array(2), false],
  ["views by what they show", new Uint8Array([0, 1]).subarray(1), new Uint8Array([1]), true],
  ["a Buffer and a Uint8Array", Buffer.from([1]), new Uint8Array([1]), true],
  ["buffers", new Uint8Array([1]).buffer, new Uint8Array([2]).buffer, false],
  ["boxes", Object(1), Object(1), true],
  ["a box and its content", Object(1), 1, false],
  ["errors", new TypeError("a"), new TypeError("a"), true],
  ["errors of another name", new TypeError("a"), new RangeError("a"), false],
  ["causes", new Error("a", { cause: 1 }), new Error("a", { cause: 2 }), false],
  ["regular expressions", /a/g, /a/i, false],
  ["null and an object", null, {}, false],
  ["an array and an object", [], {}, false],
  ["no prototype", Object.create(null), {}, true],
  ["cycles", loop(1), loop(1), true],
  ["cycles of other lengths show the same", loop(2), loop(3), true],
  ["shared parts and copies", [part, part], [{ a: 1 }, { a: 1 }], true],
  ["copies and shared parts", [{ a: 1 }, { a: 1 }], [part, part], true],
  ["host objects", new HostObject("DOMRect", [1]), new HostObject("DOMRect", [1]), true],
  ["functions", () => 1, () => 1, false],
])("%s", (_title, a, b, equal) => {
  expect(structuredEqual(a, b)).toBe(equal);
  expect(structuredEqual(b, a)).toBe(equal);
});

test("agrees with a structured clone of any value", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  });
  fc.assert(
    fc.property(anything, (value) => structuredEqual(structuredClone(value), value)),
    { seed: 4, numRuns: 500 },
  );
  fc.assert(
    fc.property(anything, anything, (a, b) => structuredEqual(a, b) === structuredEqual(b, a)),
    { seed: 4, numRuns: 500 },
  );
});
