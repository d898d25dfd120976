import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  assignTimestamps,
  asyncParDo,
  coGroupBy,
  counter,
  countGlobally,
  countPerElement,
  create,
  distribution,
  fixedWindows,
  flatten,
  groupBy,
  groupGlobally,
  listSideInput,
  P,
  parDo,
  type PCollection,
  type PipelineFunction,
  reshuffle,
  type Root,
  runDirect,
  sessions,
  slidingWindows,
  sum,
  taggedOutputs,
  windowInto,
  withName,
} from "../../beam/index.js";
import { readFromIndexedDB, writeToIndexedDB } from "../../io/index.js";
import { sync } from "../../pipelines/index.js";
import type { PipelineRunner } from "../../runners/index.js";
import { type DatabaseSchema, type Key, SnapshotRecord } from "../../snapshot/index.js";
import { assertElements, assertRecords } from "../../testing/index.js";
import { deviceSnapshot } from "../device-snapshot.js";
import { valueCases } from "../vectors/value-cases.js";
import {
  bigBytes,
  Compute,
  CountThings,
  EmitNumbers,
  type EvenOdd,
  FailAt,
  FailLater,
  fingerprint,
  keyAndCount,
  KillWorker,
  MeanOfN,
  nameOf,
  PartEvenOdd,
  sorted,
  timeOf,
  WaitAWhile,
} from "./runner-steps.js";

/** A runner to be held to the contract that all runners share. */
export interface RunnerUnderTest {
  readonly name: string;
  /** Started once for all cases. */
  start(): Promise<{ readonly runner: PipelineRunner; readonly stop: () => Promise<void> }>;
  /** Cases that it can't do, with the reason. It may only shrink: a case listed here has to fail. */
  readonly unsupported: Readonly<Partial<Record<RunnerCase, string>>>;
  /** Why its service has to be started again after a worker was killed, as every run does that starts its own. Default: it serves the next job. */
  readonly restartedAfterKill?: string | undefined;
}

/** What every runner is asked to do. */
export type RunnerCase = keyof typeof cases | "sessions" | "workerKilled";

/** Elements are counted and compared on the workers, so a wrong result fails the job. */
const cases = {
  values: {
    title: "create: every value that a snapshot holds arrives the same",
    build: (root) => {
      const values = Object.entries(valueCases).map(([name, value]) => ({ name, value }));
      root.apply(create(values)).apply(reshuffle()).apply(assertElements(values));
    },
  },
  sideInputs: {
    title: "ParDo with side inputs and several outputs",
    build: (root) => {
      const limits = root.apply(named("limits", create([3, 7, 5])));
      const { even, odd } = root
        .apply(named("numbers", create(range(20))))
        .apply(parDo(new PartEvenOdd(), { limits: listSideInput(limits) }))
        .apply(taggedOutputs<EvenOdd>(["even", "odd"]));
      even.apply(assertElements([0, 2, 4, 6]));
      odd.apply(assertElements([1, 3, 5]));
    },
  },
  asyncParDo: {
    title: "asynchronous ParDo, unordered and ordered",
    build: (root) => {
      const numbers = root.apply(create(range(300))).apply(reshuffle());
      const expected = range(300).flatMap((n) => [n, n + 1_000_000]);
      numbers
        .apply(named("unordered", asyncParDo(new WaitAWhile(), { concurrency: 20 })))
        .apply(assertElements(expected));
      numbers
        .apply(named("ordered", asyncParDo(new WaitAWhile(), { concurrency: 20, ordered: true })))
        .apply(assertElements(expected));
    },
  },
  groupByKey: {
    title: "GroupByKey with keys of every kind, by content",
    build: (root) => {
      const keys = [
        "text",
        "",
        "\ud800",
        0,
        -0,
        1.5,
        2 ** 40,
        1_700_000_000_000,
        NaN,
        Infinity,
        12345678901234567890n,
        true,
        null,
        new Date(5),
        [1, "a"],
        { a: 1, b: [2] },
        { b: [2], a: 1 },
        Uint8Array.of(1, 2, 3),
        new Map([["k", 1]]),
      ];
      const pairs = [...keys, ...keys].map((k, i) => ({ k, i }));
      root
        .apply(create(pairs))
        .apply(reshuffle())
        .apply(groupBy(named("k", ({ k }: { k: unknown }) => k)))
        .map(keyAndCount)
        .apply(
          assertElements<{ key: unknown; count: number }>([
            ...[
              "text",
              "",
              "\ud800",
              1.5,
              2 ** 40,
              1_700_000_000_000,
              NaN,
              Infinity,
              12345678901234567890n,
              true,
              null,
              new Date(5),
              [1, "a"],
              Uint8Array.of(1, 2, 3),
              new Map([["k", 1]]),
            ].map((key) => ({ key, count: 2 })),
            { key: 0, count: 4 },
            { key: { a: 1, b: [2] }, count: 4 },
          ]),
        );
    },
  },
  combine: {
    title: "combine: per element, by key, globally",
    build: (root) => {
      const numbers = root
        .apply(create([1]))
        .apply(parDo(new EmitNumbers(30_000)))
        .apply(reshuffle());
      numbers
        .map((n) => n % 3)
        .apply(countPerElement())
        .apply(assertElements([0, 1, 2].map((element) => ({ element, count: 10_000 }))));
      const total: PCollection<Readonly<Record<string, unknown>>> = numbers.apply(
        named(
          "total",
          groupGlobally<number>().combining((n) => n, sum, "total"),
        ),
      );
      total.apply(assertElements<Readonly<Record<string, unknown>>>([{ total: 449_985_000 }]));
      const means: PCollection<unknown> = numbers.apply(
        named(
          "means",
          groupBy(
            named("even", (n: number) => n % 2 === 0),
            "even",
          ).combining((n) => n, new MeanOfN(), "mean"),
        ),
      );
      means.apply(
        assertElements<unknown>([
          { even: true, mean: 14_999 },
          { even: false, mean: 15_000 },
        ]),
      );
    },
  },
  coGroup: {
    title: "coGroupBy",
    build: (root) => {
      const notes = root.apply(
        named(
          "notes",
          create([
            { name: "a", text: 1 },
            { name: "b", text: 2 },
            { name: "a", text: 3 },
          ]),
        ),
      );
      const tags = root.apply(
        named(
          "tags",
          create([
            { name: "b", tag: true },
            { name: "c", tag: false },
          ]),
        ),
      );
      P({ notes, tags })
        .apply(
          coGroupBy<{ notes: PCollection<{ name: string }>; tags: PCollection<{ name: string }> }, string>(
            nameOf,
          ),
        )
        .map(sorted as never)
        .apply(
          assertElements<unknown>([
            { key: "a", notes: ['{"name":"a","text":1}', '{"name":"a","text":3}'], tags: [] },
            { key: "b", notes: ['{"name":"b","text":2}'], tags: ['{"name":"b","tag":true}'] },
            { key: "c", notes: [], tags: ['{"name":"c","tag":false}'] },
          ]),
        );
    },
  },
  flatten: {
    title: "flatten",
    build: (root) => {
      const parts = [1, 2, 3].map((n) => root.apply(named(`part${n}`, create(range(n * 10)))));
      P(parts)
        .apply(flatten<number>())
        .apply(countGlobally())
        .apply(assertElements([60]));
    },
  },
  windows: {
    title: "fixed and sliding windows, also before 1970",
    build: (root) => {
      const events = root
        .apply(create([-61, -59, -1, 0, 1, 59, 60, 1_700_000_000].map((s) => ({ at: s * 1000 }))))
        .apply(assignTimestamps(timeOf));
      events
        .apply(named("fixed", windowInto(fixedWindows(60))))
        .map(named("event", () => "event"))
        .apply(named("perMinute", countPerElement()))
        .map(named("count", ({ count }: { count: number }) => count))
        .apply(assertElements([1, 2, 3, 1, 1]));
      events
        .apply(named("sliding", windowInto(slidingWindows(120, 60))))
        .map(named("event", () => "event"))
        .apply(named("perTwoMinutes", countPerElement()))
        .map(named("count", ({ count }: { count: number }) => count))
        .apply(assertElements([1, 3, 5, 4, 1, 1, 1]));
    },
  },
  emit100k: {
    title: "one element that emits 100,000 records",
    build: (root) => {
      root
        .apply(create(["x"]))
        .apply(parDo(new EmitNumbers(100_000)))
        .apply(reshuffle())
        .apply(countGlobally())
        .apply(assertElements([100_000]));
    },
  },
  slowMillion: {
    title: "1,000,000 records through a slow DoFn",
    build: (root) => {
      root
        .apply(create([0, 1, 2, 3]))
        .apply(reshuffle())
        .apply(named("emit", parDo(new EmitNumbers(250_000))))
        .apply(named("shuffled", reshuffle()))
        .apply(named("compute", parDo(new Compute(5))))
        .apply(countGlobally())
        .apply(assertElements([1_000_000]));
    },
  },
  bigElements: {
    title: "elements of 20 MB",
    build: (root) => {
      root
        .apply(create([20, 1, 20]))
        .map(bigBytes)
        .apply(reshuffle())
        .map(fingerprint)
        .apply(assertElements([20, 1, 20].map((megabytes) => fingerprint(bigBytes(megabytes)))));
    },
  },
} as const satisfies Record<string, { readonly title: string; readonly build: PipelineFunction }>;

/** Some of the cases on their own, for runs that count how often they are right. */
export const countingCases: readonly PipelineFunction[] = [
  cases.combine.build,
  cases.emit100k.build,
  cases.asyncParDo.build,
];

export function describeRunner(underTest: RunnerUnderTest): void {
  const { name, unsupported } = underTest;
  // Jobs have a limit of their own; this one only ends a suite whose runner does not keep to it.
  vi.setConfig({ testTimeout: 300_000 });
  describe(`the runner ${name}`, () => {
    let runner: PipelineRunner;
    let stop: () => Promise<void> = () => Promise.resolve();
    beforeAll(async () => {
      ({ runner, stop } = await underTest.start());
    });
    afterAll(async () => {
      await stop();
    });

    const expectRun = async (id: RunnerCase, build: PipelineFunction): Promise<void> => {
      if (unsupported[id] === undefined) await runner.run(build);
      else await expect(runner.run(build), `can be taken off the manifest of ${name}`).rejects.toThrow();
    };

    for (const [id, { title, build }] of Object.entries(cases))
      test(title, () => expectRun(id as RunnerCase, build));

    test("session windows", () =>
      expectRun("sessions", (root) => {
        root
          .apply(create([0, 5, 9, 30, 34].map((s) => ({ at: s * 1000 }))))
          .apply(assignTimestamps(timeOf))
          .apply(windowInto(sessions(10)))
          .map(named("event", () => "event"))
          .apply(countPerElement())
          .map(named("count", ({ count }: { count: number }) => count))
          .apply(assertElements([3, 2]));
      }));

    test("metrics are those of the direct runner", async () => {
      const build = (root: Root): void => {
        root
          .apply(create(range(1000)))
          .apply(reshuffle())
          .apply(parDo(new CountThings(), { seen: counter("seen"), sizes: distribution("sizes") }));
      };
      const { metrics } = await runner.run(build);
      expect(metrics.counters.seen).toBe(1000);
      expect(metrics.distributions.sizes).toEqual({ count: 1000, sum: 499_500, min: 0, max: 999 });
    });

    test("an error of a function reaches the user with its text and its step", async () => {
      const failure = await runner
        .run((root) => {
          root.apply(create(range(100))).apply(named("check", parDo(new FailAt(42))));
        })
        .then(
          () => undefined,
          (error: unknown) => error as Error,
        );
      expect(failure).toBeInstanceOf(Error);
      expect(`${failure!.message} ${(failure!.cause as Error | undefined)?.message ?? ""}`).toContain(
        'number 42 is "out" of <range>',
      );
    });

    test("so does one of an asynchronous function", async () => {
      await expect(
        runner.run((root) => {
          root.apply(create(range(10))).apply(asyncParDo(new FailLater()));
        }),
      ).rejects.toThrow("three, after a while");
    });

    describe("snapshots", () => {
      const folder = mkdtempSync(join(tmpdir(), "beam-indexeddb-suite-"));
      afterAll(() => {
        rmSync(folder, { recursive: true, force: true });
      });
      // What a Blob holds is in the file that it was read from.
      const records = Object.entries(valueCases)
        .filter(([kind]) => !/Blob|File/.test(kind))
        .map(([key, value]) =>
          SnapshotRecord.of<unknown, Key>({
            database: "notes",
            store: "notes",
            key,
            value: { id: key, value },
          }),
        );

      beforeAll(async () => {
        for (const [device, from] of [
          ["phone", 0],
          ["laptop", 500],
        ] as const) {
          const notes = range(1000).map((i) => ({ id: `n${from + i}`, text: `${device} ${i}`.repeat(20) }));
          writeFileSync(
            join(folder, `${device}.idbsnap`),
            await deviceSnapshot({ device, capturedAt: from, notes, blockBytes: 4096 }),
          );
        }
      });

      test("with all kinds of values are written and read exactly", async () => {
        const output = join(folder, `${safe(name)}-values`);
        await runner.run((root) => {
          root
            .apply(create(records))
            .apply(reshuffle())
            .apply(writeToIndexedDB(`${output}/all`, { schema: suiteSchema }));
        });
        await runner.run((root) => {
          root.apply(readFromIndexedDB(`${output}/*.idbsnap`)).apply(assertRecords(records));
        });
        await runDirect((root) => {
          root
            .apply(create(records))
            .apply(reshuffle())
            .apply(writeToIndexedDB(`${output}-direct/all`, { schema: suiteSchema }));
        });
        expect(digests(output)).toEqual(digests(`${output}-direct`));
      });

      test("merged by sync are the same bytes as on the direct runner", async () => {
        const input = join(folder, "*.idbsnap");
        const output = join(folder, `${safe(name)}-sync`);
        await runner.run(sync({ input, output, numShards: 3 }));
        await runDirect(sync({ input, output: `${output}-direct`, numShards: 3 }));
        expect(digests(output)).toEqual(digests(`${output}-direct`));
        expect(Object.keys(digests(output))).toHaveLength(3);
        expect(readFileSync(join(output, "summary.json"), "utf8")).toBe(
          readFileSync(join(`${output}-direct`, "summary.json"), "utf8"),
        );
      });

      test("that are damaged give dead letters for what is lost, and the rest", async () => {
        const damaged = join(folder, `${safe(name)}-damaged`);
        mkdirSync(damaged);
        copyFileSync(join(folder, "phone.idbsnap"), join(damaged, "whole.idbsnap"));
        copyFileSync(join(folder, "laptop.idbsnap"), join(damaged, "cut.idbsnap"));
        truncateSync(join(damaged, "cut.idbsnap"), 2000);
        await runner.run((root) => {
          root
            .apply(
              readFromIndexedDB(join(damaged, "*.idbsnap"), {
                errorHandler: (failed) => {
                  failed.map(({ error }) => error.code).apply(assertElements<string>(["SNAPSHOT_TRUNCATED"]));
                },
              }),
            )
            .apply(countGlobally())
            .apply(assertElements([1000]));
        });
      });
    });

    test("a worker that is killed fails the job in time, and the rerun is exact", async () => {
      const build: PipelineFunction = (root) => {
        root
          .apply(create([1]))
          .apply(reshuffle())
          .apply(parDo(new KillWorker(process.pid)));
      };
      if (unsupported.workerKilled === undefined) await expect(runner.run(build)).rejects.toThrow();
      else await runner.run(build);
      if (underTest.restartedAfterKill !== undefined) {
        await stop();
        ({ runner, stop } = await underTest.start());
      }
      await runner.run(cases.flatten.build);
    });
  });
}

const suiteSchema: DatabaseSchema = {
  name: "notes",
  version: 1,
  objectStores: [{ name: "notes", keyPath: null, autoIncrement: false, indexes: [] }],
};

let serial = 0;

/** Names of steps must be different within a pipeline. */
function named<T>(name: string, transform: T): T {
  return withName(`${name}_${serial++}`, transform as never);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function safe(name: string): string {
  return name.replaceAll(/[^\w.-]/g, "-");
}

function digests(folder: string): Record<string, string> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".idbsnap"));
  return Object.fromEntries(
    files.sort().map((file) => [
      file,
      createHash("sha256")
        .update(readFileSync(join(folder, file)))
        .digest("hex"),
    ]),
  );
}
