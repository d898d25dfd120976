import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseSplit } from "../../beam/choose-split.js";

const any = { allowedSplitPoints: [] };

test.each([
  ["half of what is left", 0, Infinity, { fractionOfRemainder: 0.5, estimatedInputElements: 11, ...any }, 5],
  ["as soon as possible", 3, Infinity, { fractionOfRemainder: 0, estimatedInputElements: 10, ...any }, 3],
  [
    "all given back before the first",
    -1,
    Infinity,
    { fractionOfRemainder: 0, estimatedInputElements: 10, ...any },
    -1,
  ],
  [
    "one is left over even when all is to be kept",
    0,
    Infinity,
    { fractionOfRemainder: 1, estimatedInputElements: 10, ...any },
    8,
  ],
  [
    "nothing after the last element",
    9,
    Infinity,
    { fractionOfRemainder: 0, estimatedInputElements: 10, ...any },
    undefined,
  ],
  [
    "nothing when nothing is known to come",
    0,
    Infinity,
    { fractionOfRemainder: 0.5, estimatedInputElements: 0, ...any },
    undefined,
  ],
  [
    "within what an earlier split left",
    0,
    4,
    { fractionOfRemainder: 0.5, estimatedInputElements: 100, ...any },
    2,
  ],
  [
    "the allowed point that is nearest",
    0,
    Infinity,
    { fractionOfRemainder: 0.5, estimatedInputElements: 11, allowedSplitPoints: [1, 5, 9] },
    4,
  ],
  [
    "no point that is past or at the end",
    5,
    8,
    { fractionOfRemainder: 0.5, estimatedInputElements: 100, allowedSplitPoints: [0, 3, 5, 9, 50] },
    undefined,
  ],
] as const)("%s", (_, current, last, wish, expected) => {
  expect(chooseSplit(current, last, wish)).toBe(expected);
});

test("keeps the element being processed, gives back at least one, and only ever moves to the front", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1, max: 50 }),
      fc.oneof(fc.constant(Infinity), fc.integer({ min: -1, max: 60 })),
      fc.double({ min: -1, max: 2, noNaN: true }),
      fc.integer({ min: 0, max: 70 }),
      fc.array(fc.nat(70), { maxLength: 8 }),
      (current, last, fractionOfRemainder, estimatedInputElements, allowedSplitPoints) => {
        const kept = chooseSplit(current, last, {
          fractionOfRemainder,
          estimatedInputElements,
          allowedSplitPoints,
        });
        if (kept === undefined) return;
        expect(Number.isInteger(kept)).toBe(true);
        expect(kept).toBeGreaterThanOrEqual(current);
        expect(kept).toBeLessThan(Math.min(last, estimatedInputElements - 1));
        if (allowedSplitPoints.length > 0) expect(allowedSplitPoints).toContain(kept + 1);
      },
    ),
    { seed: 5, numRuns: 2000 },
  );
});
