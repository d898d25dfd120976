/** Each trap of the published SDK that importing this folder closes, seen from a pipeline on the direct runner. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import {
  binaryCombineFn,
  coGroupBy,
  combinePerKey,
  countGlobally,
  countPerElement,
  create,
  directRunner,
  fixedWindows,
  flatten,
  groupBy,
  groupGlobally,
  P,
  Runner,
  runDirect,
  sessions,
  sum,
  windowInto,
  withName,
} from "../../beam/index.js";
import { collect } from "./collect.js";

const groupSizes = (keys: readonly unknown[]) =>
  collect((root) =>
    root
      .apply(create(keys.map((key) => ({ key }))))
      .apply(groupBy("key"))
      .map((group: { value: Iterable<unknown> }) => [...group.value].length),
  );

describe("groups", () => {
  test.each([
    [
      "property order",
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      [2],
    ],
    ["0 and -0", [0, -0], [2]],
    ["NaN", [NaN, NaN, 0], [2, 1]],
    ["numbers apart by 2^32", [1700000000000, 1700000000000 + 2 ** 32], [1, 1]],
    ["2^40, 0 and 2^53", [2 ** 40, 0, 2 ** 53], [1, 1, 1]],
    ["equal Dates", [new Date(5), new Date(5), new Date(6)], [2, 1]],
    [
      "typed arrays by content",
      [new Uint8Array([1, 2]), new Uint8Array([1, 2]), new Uint8Array([1])],
      [2, 1],
    ],
    ["BigInts", [2n ** 70n, 2n ** 70n, 2n], [2, 1]],
    ["undefined apart from null", [undefined, null, undefined], [2, 1]],
    ['1 apart from "1"', [1, "1"], [1, 1]],
    ["lone surrogates", ["\ud800", "\ud801", "\ud800"], [2, 1]],
    [
      "arrays with -0",
      [
        [1, -0],
        [1, 0],
      ],
      [2],
    ],
    ["shared and unshared parts", [sharedPair(), [{ a: 1 }, { a: 1 }]], [2]],
  ])("takes %s by content", async (_title, keys, sizes) => {
    expect((await groupSizes(keys)).sort((a, b) => b - a)).toEqual(sizes);
  });

  test("keep the property order and -0 of values", async () => {
    const groups = await collect((root) =>
      root
        .apply(create([{ b: 1, a: -0 }]))
        .apply(groupBy(() => "all"))
        .map((group: { value: Iterable<object> }) => [...group.value]),
    );
    expect(Object.keys(groups[0]![0]!)).toEqual(["b", "a"]);
    expect(groups).toEqual([[{ b: 1, a: -0 }]]);
  });

  test("hold for combined and joined keys, too", async () => {
    const counts = await collect((root) =>
      root.apply(create([{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1 }])).apply(countPerElement()),
    );
    expect(counts.map(({ count }) => count).sort()).toEqual([1, 2]);
    const sums = await collect((root) =>
      root
        .apply(
          create([
            { key: 2 ** 40, value: 2 ** 41 },
            { key: 2 ** 40, value: 0.5 },
          ]),
        )
        .apply(combinePerKey<number, number, number, number>(sum)),
    );
    expect(sums).toEqual([{ key: 2 ** 40, value: 2 ** 41 + 0.5 }]);
    const joined = await collect((root) =>
      P({
        left: root.apply(withName("left", create([{ at: new Date(1), l: 1 }]))),
        right: root.apply(withName("right", create([{ at: new Date(1), r: 2 }]))),
      }).apply(coGroupBy("at")),
    );
    expect(joined).toEqual([
      { key: new Date(1), values: { left: [{ at: new Date(1), l: 1 }], right: [{ at: new Date(1), r: 2 }] } },
    ]);
  });
});

function sharedPair(): unknown {
  const part = { a: 1 };
  return [part, part];
}

test("groupGlobally without a combiner gives the elements, not null", async () => {
  const groups = await collect((root) => root.apply(create([3, 1, 2])).apply(groupGlobally<number>()));
  expect(groups.map((group) => [...group].sort())).toEqual([[1, 2, 3]]);
  expect(await collect((root) => root.apply(create<number>([])).apply(groupGlobally<number>()))).toEqual([]);
});

test("an asynchronous combine function is refused while the pipeline is built", async () => {
  const asynchronous = {
    createAccumulator: () => 0,
    addInput: async (a: number, i: number) => a + i,
    mergeAccumulators: (accumulators: Iterable<number>) => [...accumulators][0]!,
    extractOutput: (a: number) => a,
  };
  await expect(
    runDirect((root) => {
      root
        .apply(create([1]))
        .apply(groupBy((x: number) => x).combining((x) => x, asynchronous as never, "sum"));
    }),
  ).rejects.toThrow(/addInput.*is asynchronous/s);
});

test("a binary combine function still works", async () => {
  const longest = binaryCombineFn<string>((a, b) => (a.length > b.length ? a : b));
  const found = await collect((root) =>
    root
      .apply(create(["a", "bbb", "cc"]))
      .apply(groupGlobally<string>().combining((x) => x, longest, "longest")),
  );
  expect(found).toEqual([{ longest: "bbb" }]);
});

test("options given to run() arrive at the runner", async () => {
  const seen: unknown[] = [];
  class Recording extends Runner {
    override async runPipeline(_pipeline: never, options: unknown): Promise<never> {
      seen.push(options);
      return { waitUntilFinish: () => Promise.resolve(4) } as never;
    }
  }
  await new Recording().run((root) => root.apply(create([1])), { jobName: "nightly" }).catch(() => undefined);
  expect(seen).toEqual([{ jobName: "nightly" }]);
});

test("session windows are refused by the direct runner, with what to use instead", async () => {
  const build = (root: Parameters<Parameters<typeof runDirect>[0]>[0]) => {
    root.apply(create([1])).apply(windowInto(sessions(10)));
  };
  await expect(runDirect(build)).rejects.toMatchObject({
    code: "RUNNER_UNSUPPORTED_FEATURE",
    message: expect.stringMatching(/session windows\. Use fixedWindows or slidingWindows/),
  });
  await expect(directRunner().run(build)).rejects.toMatchObject({ code: "RUNNER_UNSUPPORTED_FEATURE" });
});

test("fixed windows work", async () => {
  const counts = await collect((root) =>
    root
      .apply(create([1, 2, 3]))
      .apply(windowInto(fixedWindows(10)))
      .apply(countPerElement()),
  );
  expect(counts).toHaveLength(3);
});

test("counts over 2^31 are exact", async () => {
  const big = 2 ** 31 + 7;
  const totals = await collect((root) =>
    root
      .apply(create([{ n: big }, { n: big }]))
      .apply(groupGlobally<{ n: number }>().combining("n", sum, "total")),
  );
  expect(totals).toEqual([{ total: 2 * big }]);
  expect(await collect((root) => root.apply(create([1, 2])).apply(countGlobally()))).toEqual([2]);
});

test("flatten of unlike PCollections keeps the elements as they are", async () => {
  const both = await collect((root) =>
    P([
      root.apply(withName("bytes", create([new Uint8Array([1])]))),
      root.apply(withName("dates", create([new Date(0)]))),
    ] as never[]).apply(flatten<unknown>()),
  );
  expect(both).toEqual([new Uint8Array([1]), new Date(0)]);
});

test("the SDK on disk is the published one", () => {
  const require = createRequire(import.meta.url);
  const main = require.resolve("apache-beam");
  expect(readFileSync(main, "utf8")).not.toContain("beam-indexeddb");
  expect(JSON.parse(readFileSync(main.replace(/dist.*$/, "package.json"), "utf8"))).toMatchObject({
    version: "2.49.0",
  });
});
