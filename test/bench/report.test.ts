import { describe, expect, test } from "vitest";
import { meets, reportJson, reportText, rounded } from "../../bench/report.js";

const run = {
  bench: { name: "stairs", title: "how fast stairs are climbed", run: () => Promise.reject(new Error()) },
  seconds: 1.5,
  result: {
    tables: [
      {
        title: "Steps",
        columns: ["who", "steps/s"],
        rows: [
          ["cat", "12"],
          ["somebody", "3"],
        ],
      },
    ],
    figures: [
      { what: "cat against somebody", measured: 4, unit: "x", target: { atLeast: 5 } },
      { what: "steps", measured: 20, unit: "steps" },
    ],
  },
};

describe("a report", () => {
  test("as text is tables whose columns line up, then the figures beside their targets", () => {
    expect(reportText(run)).toBe(`## stairs: how fast stairs are climbed (1.50 s)

Steps

| who      | steps/s |
| -------- | ------- |
| cat      | 12      |
| somebody | 3       |

Figures

| figure               | measured   | target       |        |
| -------------------- | ---------- | ------------ | ------ |
| cat against somebody | 4.00 x     | at least 5 x | missed |
| steps                | 20.0 steps |              |        |
`);
  });

  test("as JSON says where and when, and which targets are met", () => {
    const where = { date: "2026-01-02", node: "v20.0.0", machine: "one", quick: false };
    const parsed = JSON.parse(reportJson(where, [run])) as Record<string, unknown>;
    expect(parsed).toMatchObject({
      ...where,
      results: [{ name: "stairs", figures: [{ measured: 4, met: false }, { measured: 20 }] }],
    });
  });
});

test.each([
  { target: { atMost: 2 }, met: true },
  { target: { atMost: 1.9 }, met: false },
  { target: { atLeast: 2 }, met: true },
  { target: { atLeast: 2.1 }, met: false },
  { target: { atLeast: 1, atMost: 3 }, met: true },
  { target: undefined, met: undefined },
])("2 against $target is $met", ({ target, met }) => {
  expect(meets({ what: "it", measured: 2, unit: "s", target })).toBe(met);
});

test("no bound is kept by what is not a number", () => {
  expect(meets({ what: "it", measured: NaN, unit: "s", target: { atMost: 1 } })).toBe(false);
});

test.each([
  [0, "0"],
  [123456.7, "123457"],
  [12.345, "12.3"],
  [0.012345, "0.0123"],
  [1e-9, "0.000000"],
  [-3.14159, "-3.14"],
  [Infinity, "Infinity"],
])("%d is written as %s", (value, text) => {
  expect(rounded(value)).toBe(text);
});
