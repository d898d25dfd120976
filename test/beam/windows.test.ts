import { fixedWindows as stockFixed, slidingWindows as stockSliding } from "apache-beam";
import { GlobalWindow, type Instant, type IntervalWindow } from "apache-beam/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sessions } from "../../beam/index.js";
import { assignmentOf } from "../../beam/windows.js";

const { constructor: Long } = new GlobalWindow().maxTimestamp() as unknown as {
  constructor: { fromNumber(n: number): Instant };
};
const milliseconds = fc.integer({ min: -(10 ** 13), max: 10 ** 13 });

function exact(windowFn: ReturnType<typeof stockFixed>): ReturnType<typeof assignmentOf> {
  return assignmentOf(windowFn, windowFn.toProto());
}

function starts(windows: readonly unknown[]): { start: number; size: number }[] {
  return (windows as IntervalWindow[])
    .map(({ start, end }) => ({ start: start.toNumber(), size: end.sub(start).toNumber() }))
    .sort((a, b) => a.start - b.start);
}

test("the stock fixed windows do not hold a time before 1970", () => {
  const [window] = stockFixed(60).assignWindows(Long.fromNumber(-61_000));
  expect(window!.start.toNumber()).toBeGreaterThan(-61_000);
});

test("fixed windows hold the time, start at whole sizes from the offset", () => {
  fc.assert(
    fc.property(milliseconds, fc.integer({ min: 1, max: 100_000 }), fc.nat(99), (time, size, offset) => {
      const assign = exact(stockFixed(size, Long.fromNumber(offset % size)));
      const start =
        Math.floor((time - (offset % size) * 1000) / (size * 1000)) * size * 1000 + (offset % size) * 1000;
      expect(starts(assign(Long.fromNumber(time)))).toEqual([{ start, size: size * 1000 }]);
    }),
    { seed: 1 },
  );
});

test("windows of parts of a second, too", () => {
  expect(starts(exact(stockFixed(0.5))(Long.fromNumber(-1)))).toEqual([{ start: -500, size: 500 }]);
});

test("sliding windows are all those that hold the time", () => {
  fc.assert(
    fc.property(
      milliseconds,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 20 }),
      (time, period, times) => {
        const size = period * times;
        const assign = exact(stockSliding(size, period));
        const last = Math.floor(time / (period * 1000)) * period * 1000;
        const expected = Array.from({ length: times }, (_, i) => ({
          start: last - i * period * 1000,
          size: size * 1000,
        }));
        expect(starts(assign(Long.fromNumber(time)))).toEqual(expected.reverse());
      },
    ),
    { seed: 2 },
  );
});

test.each([0.5, 0, -1, NaN])("a session gap of %d seconds is refused", (gap) => {
  expect(() => sessions(gap)).toThrow(TypeError);
});
