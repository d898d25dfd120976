import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asyncParDo, counter, create, listSideInput, parDo, type PCollection } from "../../../beam/index.js";
import { fnApi } from "../../../beam/model.js";
import { ProtobufReader } from "../../../beam/sdk-dependency.js";
import { readFailures } from "../../../runners/worker/failure-text.js";
import { runWorker } from "../../../runners/worker/run-worker.js";
import { type FakeRunner, startFakeRunner } from "./fake-runner.js";
import { type Stage, stageOf } from "./stage.js";
import { Emit, FailOn, gates, gatesReached, SumWithSide, TakeTurns, WaitAtGate } from "./worker-steps.js";

let runner: FakeRunner;
let worker: Promise<void>;
let serial = 0;

beforeEach(async () => {
  runner = await startFakeRunner();
  worker = runWorker({ id: "worker-7", control: runner.address });
  worker.catch(() => undefined);
  await runner.connected;
});

afterEach(() => {
  runner.close();
});

function stage(steps: Parameters<typeof stageOf>[1]): Stage {
  const made = stageOf(runner.address, steps);
  runner.descriptors.set(made.descriptor.id, made.descriptor);
  return made;
}

function begin({ descriptor }: Stage): { id: string; response: Promise<fnApi.InstructionResponse> } {
  const id = `bundle${serial++}`;
  const processBundle = fnApi.ProcessBundleRequest.create({ processBundleDescriptorId: descriptor.id });
  return { id, response: runner.instruct({ oneofKind: "processBundle", processBundle }, id) };
}

/** Runs one bundle over these messages and gives what came out. */
async function run(
  made: Stage,
  messages: readonly Uint8Array[],
): Promise<{ out: unknown[]; response: fnApi.InstructionResponse }> {
  const { id, response } = begin(made);
  for (const message of messages) await runner.send(id, "source", message);
  await runner.send(id, "source", new Uint8Array(), true);
  const done = await response;
  expect(done.error).toBe("");
  return { out: made.decode(await runner.received(id, "sink")), response: done };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function counters(response: fnApi.InstructionResponse): Record<string, number> {
  if (response.response.oneofKind !== "processBundle") throw new Error(response.error);
  const infos = response.response.processBundle.monitoringInfos;
  return Object.fromEntries(
    infos
      .filter(({ urn }) => urn === "beam:metric:user:sum_int64:v1")
      .map(({ labels, payload }) => [labels.NAME!, Number(new ProtobufReader(payload).int64())]),
  );
}

describe("elements reach the runner exactly once", () => {
  test("when one call emits far more than a message holds", async () => {
    const { out } = await run(
      stage((input) => input.apply(parDo(new Emit(5000, 1000)))),
      [stage((input) => input).encode(["go"])],
    );
    expect(out).toEqual(range(0, 5000).map((i) => String(i).padStart(1000, "-")));
  });

  test("when messages come faster than the steps take them, and the last one is short", async () => {
    const made = stage((input) =>
      input.apply(asyncParDo(new TakeTurns(), { concurrency: 1, ordered: true })),
    );
    const messages = range(0, 40).map((i) => made.encode(range(i * 25, i * 25 + 25)));
    messages.push(made.encode([1000]));
    const { out } = await run(made, messages);
    expect(out).toEqual(range(0, 1001));
  });

  test("when they are larger than gRPC's usual limit, both ways", async () => {
    const made = stage((input) => input);
    const big = new Uint8Array(20_000_000).fill(7);
    const { out } = await run(made, [made.encode([big, "small", big])]);
    expect(out.map((element) => (element as Uint8Array).length)).toEqual([20_000_000, 5, 20_000_000]);
    expect((out[2] as Uint8Array).every((byte) => byte === 7)).toBe(true);
  });

  test("when many bundles run at the same time", async () => {
    const made = stage((input) => input.apply(asyncParDo(new TakeTurns(), { concurrency: 3 })));
    const results = await Promise.all(
      range(0, 20).map(async (i) => (await run(made, [made.encode([i]), made.encode(range(100, 120))])).out),
    );
    for (const [i, out] of results.entries())
      expect((out as number[]).sort((a, b) => a - b)).toEqual([i, ...range(100, 120)]);
  });

  test("when their data comes before the instruction", async () => {
    const made = stage((input) => input);
    await run(made, [made.encode([0])]);
    const id = "early";
    await runner.send(id, "source", made.encode([1, 2, 3]), true);
    const processBundle = fnApi.ProcessBundleRequest.create({
      processBundleDescriptorId: made.descriptor.id,
    });
    const response = await runner.instruct({ oneofKind: "processBundle", processBundle }, id);
    expect(response.error).toBe("");
    expect(made.decode(await runner.received(id, "sink"))).toEqual([1, 2, 3]);
  });
});

describe("splits", () => {
  test("whatever is asked for in the middle, primary and residual together are the bundle", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 0, max: 39 }),
        fc.array(
          fc.record({ fraction: fc.double({ min: 0, max: 1, noNaN: true }), allowed: fc.array(fc.nat(45)) }),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        async (count, at, wishes) => {
          const gate = `gate${serial++}`;
          let open = (): void => undefined;
          gates.set(gate, new Promise((resolve) => (open = resolve)));
          const made = stage((input) =>
            input.apply(asyncParDo(new WaitAtGate(gate), { concurrency: 1, ordered: true })),
          );
          const { id, response } = begin(made);
          const elements = range(0, count);
          const cut = Math.min(at, count);
          await runner.send(id, "source", made.encode(elements.slice(0, cut)));
          if (cut > 0) await untilReached(gate);
          let last = count - 1;
          for (const { fraction, allowed } of wishes) {
            const answer = await runner.instruct({
              oneofKind: "processBundleSplit",
              processBundleSplit: {
                instructionId: id,
                desiredSplits: {
                  source: {
                    fractionOfRemainder: fraction,
                    allowedSplitPoints: allowed.map(BigInt),
                    estimatedInputElements: BigInt(count),
                  },
                },
              },
            });
            expect(answer.error).toBe("");
            if (answer.response.oneofKind !== "processBundleSplit") throw new Error("no split");
            for (const split of answer.response.processBundleSplit.channelSplits) {
              expect(split.firstResidualElement).toBe(split.lastPrimaryElement + 1n);
              expect(Number(split.lastPrimaryElement)).toBeLessThan(last);
              if (allowed.length > 0) expect(allowed).toContain(Number(split.firstResidualElement));
              last = Number(split.lastPrimaryElement);
            }
          }
          open();
          await runner.send(id, "source", made.encode(elements.slice(cut)), true);
          expect((await response).error).toBe("");
          expect(made.decode(await runner.received(id, "sink"))).toEqual(elements.slice(0, last + 1));
        },
      ),
      {
        seed: 11,
        numRuns: 60,
        endOnFailure: true,
        interruptAfterTimeLimit: 20000,
        markInterruptAsFailure: true,
      },
    );
  });

  test("and requests about bundles that are over or unknown are answered without an error", async () => {
    const made = stage((input) => input);
    await run(made, [made.encode([1])]);
    const split = await runner.instruct({
      oneofKind: "processBundleSplit",
      processBundleSplit: { instructionId: "gone", desiredSplits: {} },
    });
    expect(split).toMatchObject({ error: "", response: { processBundleSplit: { channelSplits: [] } } });
    const progress = await runner.instruct({
      oneofKind: "processBundleProgress",
      processBundleProgress: { instructionId: "gone" },
    });
    expect(progress).toMatchObject({
      error: "",
      response: { processBundleProgress: { monitoringInfos: [] } },
    });
  });
});

describe("side inputs and metrics", () => {
  function withSide(): Stage {
    return stage((input, root) => {
      const side = root.apply(create<number>([0]));
      return (input as PCollection<number>).apply(
        parDo(new SumWithSide(), { side: listSideInput(side), seen: counter("seen") }),
      );
    });
  }

  test("a side input is there for every element, in as many parts as the runner gives it", async () => {
    const made = withSide();
    const bytes = made.encodeSideInput([100, 200, 300]);
    runner.answerState = () => [bytes.subarray(0, 2), bytes.subarray(2, 9), bytes.subarray(9)];
    const { out } = await run(made, [made.encode([1, 2]), made.encode([3])]);
    expect(out).toEqual([601, 602, 603]);
    expect(runner.stateRequests).toBe(3);
  });

  test("one that the runner can't give fails the bundle with what the runner said", async () => {
    const made = withSide();
    runner.answerState = () => "the state is gone";
    const { id, response } = begin(made);
    await runner.send(id, "source", made.encode([1]), true);
    expect((await response).error).toContain("the state is gone");
  });

  test("counters are of one bundle, also in a bundle that uses what an earlier one left", async () => {
    const made = withSide();
    runner.answerState = () => [made.encodeSideInput([])];
    for (let i = 0; i < 3; i++) {
      const { response } = await run(made, [made.encode(range(0, 10))]);
      expect(counters(response)).toEqual({ seen: 10 });
    }
  });

  test("short ids are explained when the runner asks", async () => {
    const made = withSide();
    runner.answerState = () => [made.encodeSideInput([])];
    const { response } = await run(made, [made.encode([1])]);
    if (response.response.oneofKind !== "processBundle") throw new Error("no bundle");
    const ids = Object.keys(response.response.processBundle.monitoringData);
    const answer = await runner.instruct({
      oneofKind: "monitoringInfos",
      monitoringInfos: { monitoringInfoId: [...ids, "never given"] },
    });
    if (answer.response.oneofKind !== "monitoringInfos") throw new Error(answer.error);
    const infos = answer.response.monitoringInfos.monitoringInfo;
    expect(Object.keys(infos).sort()).toEqual([...ids].sort());
    const seen = Object.values(infos).find(({ labels }) => labels.NAME === "seen");
    expect(seen?.labels).toEqual({
      NAMESPACE: "user",
      NAME: "seen",
      PTRANSFORM: expect.any(String) as string,
    });
    expect(Object.values(infos).map(({ urn }) => urn)).toContain("beam:metric:data_channel:read_index:v1");
  });
});

describe("errors", () => {
  test("of a function fail the bundle with text, cause and step, and the next bundle runs", async () => {
    const made = stage((input) => input.apply(parDo(new FailOn(3))));
    const { id, response } = begin(made);
    await runner.send(id, "source", made.encode([1, 2, 3, 4]));
    const { error } = await response;
    const [failure] = readFailures(error);
    expect(failure).toMatchObject({ name: "RangeError", message: 'element 3 is "bad" <here>' });
    expect(failure?.step).toContain("parDo");
    expect(failure?.stack).toContain("Caused by: Error: the disk said no");
    // The runner may not know yet that nobody reads this.
    await runner.send(id, "source", made.encode(range(0, 1000)), true);
    expect((await run(made, [made.encode([5])])).out).toEqual([5]);
  });

  test("a stage that can't be had fails the bundle, not the worker", async () => {
    const processBundle = fnApi.ProcessBundleRequest.create({ processBundleDescriptorId: "nowhere" });
    expect((await runner.instruct({ oneofKind: "processBundle", processBundle })).error).toContain(
      "no descriptor",
    );
    const made = stage((input) => input);
    expect((await run(made, [made.encode([1])])).out).toEqual([1]);
  });

  test("an instruction of a newer Fn API is answered with an error", async () => {
    const response = await runner.instruct({ oneofKind: undefined });
    expect(response.error).toContain("newer Fn API");
  });

  test("a connection that breaks ends the worker with a rejection", async () => {
    const made = stage((input) => input);
    await run(made, [made.encode([1])]);
    runner.close();
    await expect(worker).rejects.toThrow("control connection to the runner");
  });

  test("the end of the control connection ends it quietly", async () => {
    runner.end();
    await worker;
  });
});

describe("back pressure", () => {
  test("a runner that sends faster than the steps take is paused", async () => {
    const gate = `gate${serial++}`;
    let open = (): void => undefined;
    gates.set(gate, new Promise((resolve) => (open = resolve)));
    const made = stage((input) => input.apply(asyncParDo(new WaitAtGate(gate), { concurrency: 1 })));
    const { id, response } = begin(made);
    const message = made.encode([new Uint8Array(1_000_000)]);
    let sent = 0;
    let refused = 0;
    // In a row of refusals nothing was taken in between: each waits for a whole turn of the connection.
    while (refused < 200 && sent < 400) {
      const accepted = await runner.send(id, "source", message);
      sent++;
      refused = accepted ? 0 : refused + 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(refused).toBe(200);
    open();
    await runner.send(id, "source", new Uint8Array(), true);
    expect((await response).error).toBe("");
    expect(made.decode(await runner.received(id, "sink"))).toHaveLength(sent);
  });

  test("a worker whose runner does not read waits", async () => {
    const made = stage((input) => input.apply(parDo(new Emit(300, 1_000_000))));
    await run(made, []);
    await runner.pauseData();
    const { id, response } = begin(made);
    await runner.send(id, "source", made.encode(["go"]), true);
    let isDone = false;
    void response.then(() => (isDone = true));
    const progress = (): Promise<fnApi.InstructionResponse> =>
      runner.instruct({ oneofKind: "processBundleProgress", processBundleProgress: { instructionId: id } });
    // The element count of the output stands still once the connection is full.
    let [before, same] = ["", 0];
    while (same < 50) {
      const now = JSON.stringify(await progress(), (key, value: unknown) =>
        typeof value === "bigint" ? String(value) : key === "instructionId" ? undefined : value,
      );
      same = now === before ? same + 1 : 0;
      before = now;
    }
    expect(isDone).toBe(false);
    await runner.resumeData();
    expect((await response).error).toBe("");
    expect(made.decode(await runner.received(id, "sink"))).toHaveLength(300);
  });
});

test("every call carries the worker's id", async () => {
  const made = stage((input, root) => {
    const side = root.apply(create<number>([0]));
    return (input as PCollection<number>).apply(
      parDo(new SumWithSide(), { side: listSideInput(side), seen: counter("seen") }),
    );
  });
  runner.answerState = () => [made.encodeSideInput([])];
  await run(made, [made.encode([1])]);
  expect(Object.fromEntries(runner.workerIds)).toEqual({
    control: new Set(["worker-7"]),
    getProcessBundleDescriptor: new Set(["worker-7"]),
    data: new Set(["worker-7"]),
    state: new Set(["worker-7"]),
  });
});

async function untilReached(gate: string): Promise<void> {
  while (!gatesReached.has(gate)) await new Promise((resolve) => setImmediate(resolve));
}

test("an error of the process fails the bundles that wait, and the next one runs", async () => {
  runner.close();
  runner = await startFakeRunner();
  let failAll: (error: unknown) => void = () => undefined;
  worker = runWorker({ id: "w", control: runner.address, onRunning: (fail) => (failAll = fail) });
  worker.catch(() => undefined);
  await runner.connected;
  const made = stage((input) => input);
  const { id, response } = begin(made);
  await runner.send(id, "source", made.encode([1]));
  failAll(new Error("nobody awaited this"));
  expect((await response).error).toContain("nobody awaited this");
  expect((await run(made, [made.encode([2])])).out).toEqual([2]);
});
