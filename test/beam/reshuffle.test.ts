import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  assignTimestamps,
  create,
  fixedWindows,
  type Instant,
  parDo,
  registerFunctions,
  reshuffle,
  runDirect,
  timestampParam,
  windowInto,
  windowParam,
} from "../../beam/index.js";
import { buildPipeline } from "../../beam/build-pipeline.js";
import { collect } from "./collect.js";

function at(n: number, timestamp: Instant): Instant {
  const { constructor } = timestamp as unknown as { constructor: { fromNumber(n: number): Instant } };
  return constructor.fromNumber(n);
}

export class TellPlace {
  *process(
    n: number,
    context: { time: ReturnType<typeof timestampParam>; window: ReturnType<typeof windowParam> },
  ): Generator<{ n: number; time: number; end: number }> {
    yield {
      n,
      time: context.time.lookup().toNumber(),
      end: context.window.lookup().maxTimestamp().toNumber(),
    };
  }
}

registerFunctions("beam-indexeddb/test/reshuffle", { at, TellPlace });

describe("reshuffle", () => {
  test("keeps every element, its time and its window", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: -(10 ** 12), max: 10 ** 12 })), async (times) => {
        const places = await collect((root) =>
          root
            .apply(create(times, false))
            .apply(assignTimestamps(at))
            .apply(windowInto(fixedWindows(60)))
            .apply(reshuffle())
            .apply(parDo(new TellPlace(), { time: timestampParam(), window: windowParam() })),
        );
        const expected = times.map((n) => ({ n, time: n, end: (Math.floor(n / 60_000) + 1) * 60_000 - 1 }));
        expect(places.sort((a, b) => a.n - b.n)).toEqual(expected.sort((a, b) => a.n - b.n));
      }),
      { seed: 4, numRuns: 30 },
    );
  });

  test("keeps the earliest of all times, which created elements have", async () => {
    const places = await collect((root) =>
      root
        .apply(create([1, 2]))
        .apply(parDo(new TellPlace(), { time: timestampParam(), window: windowParam() })),
    );
    expect(new Set(places.map(({ time }) => time))).toEqual(new Set([-9223372036854775]));
  });

  test("is the step that Beam's model names, with a windowing of its own only inside", async () => {
    const { proto } = await buildPipeline((root) => root.apply(create([1, 2], false)).apply(reshuffle()));
    const { transforms, pcollections } = proto.components!;
    const native = Object.values(transforms).filter(
      ({ spec }) => spec?.urn === "beam:transform:reshuffle:v1",
    );
    expect(native).toHaveLength(1);
    const [step] = native;
    const outside = [...Object.values(step!.inputs), ...Object.values(step!.outputs)];
    expect(new Set(outside.map((id) => pcollections[id]!.windowingStrategyId)).size).toBe(1);
    expect(new Set(outside.map((id) => pcollections[id]!.coderId)).size).toBe(1);
  });

  test("keeps the order on the direct runner, which sorted files come in", async () => {
    const numbers = Array.from({ length: 2000 }, (_, i) => i);
    expect(await collect((root) => root.apply(create(numbers, false)).apply(reshuffle()))).toEqual(numbers);
  });

  test("of an empty PCollection is empty", async () => {
    expect(await collect((root) => root.apply(create<number>([])).apply(reshuffle()))).toEqual([]);
    await runDirect((root) => root.apply(create([])).apply(reshuffle()));
  });
});
