import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  assignTimestamps,
  asyncParDo,
  type AsyncParDoOptions,
  counter,
  type Counter,
  create,
  failedStep,
  impulse,
  inGlobalWindow,
  listSideInput,
  parDo,
  type PCollection,
  registerFunctions,
  type Root,
  runDirect,
  type SideInputParam,
  singletonSideInput,
  slidingWindows,
  type Tagged,
  taggedOutputs,
  windowInto,
  type WindowedValue,
  withName,
} from "../../beam/index.js";
import { collect, collectRun } from "./collect.js";

interface Long {
  sub(other: Long): Long;
}

/** What the DoFns below report to the test: they run in this process, as instances of their own. */
const seen = { inFlight: 0, most: 0, calls: [] as string[], emitted: 0 };
const reset = () => Object.assign(seen, { inFlight: 0, most: 0, calls: [], emitted: 0 });

class Double {
  async process(x: number): Promise<number[]> {
    seen.most = Math.max(seen.most, ++seen.inFlight);
    // Later ones are ready earlier.
    for (let i = 0; i < 20 - (x % 20); i++) await turn();
    seen.inFlight--;
    return [2 * x];
  }
}

class EveryForm {
  process(x: number): unknown {
    switch (x % 5) {
      case 0:
        return [x, -x];
      case 1:
        return Promise.resolve([x, -x]);
      case 2:
        return (async function* () {
          yield x;
          await turn();
          yield -x;
        })();
      case 3:
        return (function* () {
          yield x;
          yield -x;
        })();
      default:
        return undefined;
    }
  }
}

class Fails {
  readonly at: number;
  readonly late: boolean;

  constructor(at: number, late: boolean) {
    this.at = at;
    this.late = late;
  }

  startBundle(): void {
    seen.calls.push("start");
  }

  process(x: number): unknown {
    if (x === this.at && !this.late) throw new RangeError(`no ${x}`);
    return this.later(x);
  }

  private async later(x: number): Promise<number[]> {
    await turn();
    if (x === this.at) throw new RangeError(`no ${x}`);
    for (let i = 0; i < 5; i++) await turn();
    return [x];
  }

  finishBundle(): void {
    seen.calls.push("finish");
  }

  async teardown(): Promise<void> {
    await turn();
    seen.calls.push("teardown");
  }
}

class Batches {
  private batch: number[] = [];

  async startBundle(): Promise<void> {
    await turn();
    this.batch = [];
  }

  process(x: number): undefined {
    this.batch.push(x);
  }

  async finishBundle(): Promise<Iterable<WindowedValue<number[]>>> {
    await turn();
    return [inGlobalWindow(this.batch)];
  }
}

class CountEmitted {
  *process(x: number): Generator<number> {
    seen.emitted++;
    yield x;
  }
}

class ThrowAt {
  readonly at: number;

  constructor(at: number) {
    this.at = at;
  }

  *process(x: number): Generator<number> {
    seen.calls.push(`got ${x}`);
    if (x === this.at) throw new TypeError(`behind: ${x}`);
    yield x;
  }
}

interface Lookups {
  readonly one: SideInputParam<number, Iterable<number>, number>;
  readonly all: SideInputParam<string, Iterable<string>, readonly string[]>;
  readonly added: Counter;
  readonly limit: number;
}

class WithContext {
  async process(x: number, context: Lookups): Promise<string[]> {
    await turn();
    context.added.increment(x);
    const all = [...context.all.lookup()].sort().join("");
    return [`${x}+${context.one.lookup()}${all}${[...context.all.lookup()].length}${context.limit}`];
  }
}

class Sort {
  *process(x: number): Generator<Tagged<Sorted>> {
    yield x % 2 === 0 ? { even: x } : { odd: String(x) };
  }
}

class SortLater {
  async process(x: number): Promise<Tagged<Sorted>[]> {
    await turn();
    return [x % 2 === 0 ? { even: x } : { odd: String(x) }];
  }
}

interface Sorted {
  even: number;
  odd: string;
}

class Range {
  readonly count: number;

  constructor(count: number) {
    this.count = count;
  }

  *process(): Generator<number> {
    for (let i = 0; i < this.count; i++) yield i;
  }
}

registerFunctions("beam-indexeddb/test/async-par-do", {
  Double,
  EveryForm,
  Fails,
  Batches,
  CountEmitted,
  ThrowAt,
  WithContext,
  Sort,
  SortLater,
  Range,
});

const numbers = (count: number) =>
  withName("numbers", (root: Root): PCollection<number> =>
    root.apply(impulse()).apply(parDo(new Range(count))),
  );
const doubled = (options: AsyncParDoOptions) =>
  collect((root) => root.apply(numbers(200)).apply(asyncParDo(new Double(), options)));

describe("asyncParDo", () => {
  test("gives every output once, never with more in flight than allowed, right after an impulse", async () => {
    reset();
    const found = await doubled({ concurrency: 20 });
    expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => 2 * i));
    expect(seen.most).toBe(20);
  });

  test("one after the other with a concurrency of 1", async () => {
    reset();
    expect(await doubled({ concurrency: 1 })).toEqual(Array.from({ length: 200 }, (_, i) => 2 * i));
    expect(seen.most).toBe(1);
  });

  test("keeps the order of the inputs when asked", async () => {
    reset();
    expect(await doubled({ concurrency: 20, ordered: true })).toEqual(
      Array.from({ length: 200 }, (_, i) => 2 * i),
    );
    expect(seen.most).toBe(20);
    expect(await doubled({ concurrency: 20 })).not.toEqual(Array.from({ length: 200 }, (_, i) => 2 * i));
  });

  test("holds the bound of a second step behind a first", async () => {
    reset();
    const found = await collect((root) =>
      root
        .apply(numbers(100))
        .apply(withName("first", asyncParDo<number, number>(new EveryForm() as never, { concurrency: 50 })))
        .apply(withName("second", asyncParDo(new Double(), { concurrency: 3 }))),
    );
    expect(found).toHaveLength(160);
    expect(seen.most).toBe(3);
  });

  test.each([true, false])(
    "takes arrays, generators, promises and asynchronous generators (ordered: %s)",
    async (ordered) => {
      const found = await collect<number>((root) =>
        root.apply(numbers(50)).apply(asyncParDo(new EveryForm() as never, { ordered })),
      );
      const expected = Array.from({ length: 50 }, (_, i) => i)
        .filter((i) => i % 5 !== 4)
        .flatMap((i) => [i, -i]);
      if (ordered) expect(found).toEqual(expected);
      else expect(found.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
    },
  );

  test("awaits startBundle and emits what finishBundle gives", async () => {
    expect(await collect((root) => root.apply(numbers(3)).apply(asyncParDo(new Batches() as never)))).toEqual(
      [[0, 1, 2]],
    );
  });

  test("has side inputs, counters and plain data in its context", async () => {
    const { elements, metrics } = await collectRun((root) => {
      const one = root.apply(withName("one", create([40])));
      const all = root.apply(withName("all", create(["b", "a"])));
      return root.apply(numbers(3)).apply(
        asyncParDo(
          new WithContext(),
          { concurrency: 2, ordered: true },
          {
            one: singletonSideInput(one),
            all: listSideInput(all),
            added: counter("added"),
            limit: -0,
          },
        ),
      );
    });
    expect(elements).toEqual(["0+40ab20", "1+40ab20", "2+40ab20"]);
    expect(metrics.counters.added).toBe(3);
  });

  test("runs once for each window when it has a context", async () => {
    const found = await collect((root) =>
      root
        .apply(numbers(2))
        .apply(assignTimestamps<number>(((_x: number, t: Long) => t.sub(t)) as never))
        .apply(windowInto(slidingWindows(10, 5)))
        .apply(asyncParDo(new Double() as never, {}, { some: 1 })),
    );
    expect(found.sort()).toEqual([0, 0, 2, 2]);
  });

  test.each([
    ["plain", new Sort(), false],
    ["asynchronous", new SortLater(), true],
  ])("has several outputs behind a %s DoFn", async (_title, doFn, asynchronous) => {
    const found = await collect((root) => {
      const step = asynchronous
        ? asyncParDo<number, Tagged<Sorted>>(doFn)
        : parDo<number, Tagged<Sorted>>(doFn as never);
      const { even, odd } = root
        .apply(numbers(6))
        .apply(step)
        .apply(taggedOutputs<Sorted>(["even", "odd"]));
      even.map((x: number) => x + 1);
      return odd;
    });
    expect(found).toEqual(["1", "3", "5"]);
  });

  test("refuses an element with an unknown tag or several", async () => {
    const run = (element: object) =>
      runDirect((root) => {
        root.apply(create([element])).apply(taggedOutputs<Sorted>(["even", "odd"]) as never);
      });
    await expect(run({ strange: 1 })).rejects.toThrow('the tag "strange"; the outputs are even, odd');
    await expect(run({ even: 1, odd: "1" })).rejects.toThrow("exactly one tag");
  });

  test("refuses a concurrency that makes no sense", () => {
    for (const concurrency of [0, -1, 1.5, NaN]) {
      expect(() => asyncParDo(new Double(), { concurrency })).toThrow(TypeError);
    }
  });
});

describe("a failure in asyncParDo", () => {
  test.each([
    ["thrown at once", false],
    ["of a promise", true],
  ])("%s reaches the caller as it is, and nothing is emitted after it", async (_title, late) => {
    reset();
    const run = runDirect((root) => {
      root
        .apply(numbers(100))
        .apply(
          withName("fetch", asyncParDo<number, number>(new Fails(30, late) as never, { concurrency: 10 })),
        )
        .apply(parDo(new CountEmitted()));
    });
    const error: unknown = await run.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toBe("no 30");
    expect(failedStep(error)).toBe("fetch");
    expect(seen.calls).toEqual(["start", "teardown"]);
    const emitted = seen.emitted;
    expect(emitted).toBeLessThanOrEqual(30);
    for (let i = 0; i < 50; i++) await turn();
    expect(seen.emitted).toBe(emitted);
  });

  test("of a step behind stops the step before, and tears it down", async () => {
    reset();
    const error: unknown = await runDirect((root) => {
      root
        .apply(numbers(100))
        .apply(withName("load", asyncParDo<number, number>(new Fails(-1, true) as never, { concurrency: 4 })))
        .apply(withName("behind", parDo(new ThrowAt(6))));
    }).catch((e: unknown) => e);
    expect((error as Error).message).toBe("behind: 6");
    expect(failedStep(error)).toBe("behind");
    expect(seen.calls.filter((call) => call === "teardown")).toHaveLength(1);
    expect(seen.calls).not.toContain("finish");
    expect(seen.calls).not.toContain("got 50");
  });

  test("of the second of two asynchronous steps ends the first, whose elements wait for it", async () => {
    reset();
    const error: unknown = await runDirect((root) => {
      root
        .apply(numbers(100))
        .apply(withName("first", asyncParDo<number, number>(new EveryForm() as never, { concurrency: 10 })))
        .apply(
          withName("second", asyncParDo<number, number>(new Fails(16, true) as never, { concurrency: 1 })),
        );
    }).catch((e: unknown) => e);
    expect((error as Error).message).toBe("no 16");
    expect(failedStep(error)).toBe("second");
    expect(seen.calls).toEqual(["start", "teardown"]);
  });

  test("of one of two receivers is told once, though the other has elements waiting", async () => {
    reset();
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listener);
    const error: unknown = await runDirect((root) => {
      const input = root.apply(numbers(100));
      input.apply(withName("slow", asyncParDo(new Double(), { concurrency: 1 })));
      input.apply(withName("fails", parDo(new ThrowAt(1))));
    }).catch((e: unknown) => e);
    for (let i = 0; i < 5; i++) await turn();
    process.off("unhandledRejection", listener);
    expect((error as Error).message).toBe("behind: 1");
    expect(unhandled).toEqual([]);
  });

  test("tears down once after success, too", async () => {
    reset();
    await runDirect((root) => {
      root.apply(numbers(3)).apply(asyncParDo(new Fails(-1, true) as never));
    });
    expect(seen.calls).toEqual(["start", "finish", "teardown"]);
  });
});
