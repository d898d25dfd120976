import "apache-beam";
import { MetricsContainer, MetricsShortIdCache } from "apache-beam/worker/metrics";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  asyncParDo,
  type Counter,
  counter,
  type CounterFamily,
  counterFamily,
  create,
  directRunner,
  distribution,
  type Metric,
  parDo,
  readMetrics,
  registerFunctions,
  runDirect,
  withName,
} from "../../beam/index.js";

interface Report {
  readonly seen: Counter;
  readonly sizes: Metric<number>;
  readonly perStore: CounterFamily;
}

class Counts {
  *process(element: { store: string; size: number }, report: Report): Generator<number> {
    report.seen.increment();
    report.sizes.update(element.size);
    report.perStore.increment(element.store, element.size);
    yield element.size;
  }
}

class CountsLater {
  private last: Report | undefined;

  async process(element: { store: string; size: number }, report: Report): Promise<number[]> {
    this.last = report;
    await turn();
    report.seen.increment();
    report.sizes.update(element.size);
    report.perStore.increment(element.store, element.size);
    return [element.size];
  }

  finishBundle(): undefined {
    this.last?.seen.increment(100);
  }
}

registerFunctions("beam-indexeddb/test/metrics", { Counts, CountsLater });

const elements = [
  { store: "notes", size: 3 },
  { store: "notes", size: 2 ** 40 },
  { store: "tags", size: -5 },
];
const report = (): Report => ({
  seen: counter("seen"),
  sizes: distribution("sizes"),
  perStore: counterFamily("bytes"),
});

test("counters, distributions and counters by label are exact, from plain and asynchronous DoFns", async () => {
  const expected = {
    counters: { seen: 3, "bytes/notes": 2 ** 40 + 3, "bytes/tags": -5 },
    distributions: { sizes: { count: 3, sum: 2 ** 40 - 2, min: -5, max: 2 ** 40 } },
  };
  const plain = await runDirect((root) => {
    root.apply(create(elements)).apply(parDo(new Counts(), report()));
  });
  expect(plain.metrics).toEqual(expected);
  const later = await runDirect((root) => {
    root.apply(create(elements)).apply(asyncParDo(new CountsLater() as never, { concurrency: 3 }, report()));
  });
  expect(later.metrics).toEqual({ ...expected, counters: { ...expected.counters, seen: 103 } });
});

test("steps that share a name are summed, and the SDK's own reading agrees", async () => {
  const result = await directRunner().run((root) => {
    const input = root.apply(create(elements));
    input.apply(withName("a", parDo(new Counts(), report())));
    input.apply(withName("b", parDo(new Counts(), report())));
  });
  const { counters, distributions } = await readMetrics(result);
  expect(counters.seen).toBe(6);
  expect(distributions.sizes).toEqual({ count: 6, sum: 2 * (2 ** 40 - 2), min: -5, max: 2 ** 40 });
  expect((await result.counters()).seen).toBe(6);
});

test("nothing counted, nothing there", async () => {
  const { metrics } = await runDirect((root) => {
    root.apply(create([])).apply(parDo(new Counts() as never, report()));
  });
  expect(metrics).toEqual({ counters: {}, distributions: {} });
});

test("a container that is used for several bundles starts each at zero", () => {
  const container = new MetricsContainer();
  const seen: number[] = [];
  for (let bundle = 0; bundle < 3; bundle++) {
    container.reset();
    container.getMetric("step", undefined, counter("n")).update(10);
    container.getMetric("step", undefined, distribution("d")).update(bundle);
    const cache = new MetricsShortIdCache();
    expect(container.monitoringData(cache).size).toBe(2);
    seen.push(container.getMetric("step", undefined, counter("n")).value.extract() as number);
    expect(container.getMetric("step", undefined, distribution("d")).value.extract()).toEqual({
      count: 1,
      sum: bundle,
      min: bundle,
      max: bundle,
    });
  }
  expect(seen).toEqual([10, 10, 10]);
});

test("counting outside of a DoFn is an error", () => {
  expect(() => counterFamily("records").increment("notes")).toThrow(/"records" count only inside a DoFn/);
});

test.each([0.5, NaN, Infinity, 2 ** 53])(
  "%d is no number for a metric, and is refused instead of cut",
  async (size) => {
    await expect(
      runDirect((root) => {
        root.apply(create([{ store: "notes", size }])).apply(parDo(new Counts(), report()));
      }),
    ).rejects.toThrow(/^The metric "sizes" takes whole numbers of up to 2\^53 - 1, not /);
  },
);
