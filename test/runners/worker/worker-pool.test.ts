import { execFile } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asyncParDo, parDo } from "../../../beam/index.js";
import { fnApi } from "../../../beam/model.js";
import { call, connect } from "../../../runners/grpc/client.js";
import { workerPool } from "../../../runners/grpc/method.js";
import {
  startWorkerPool,
  type WorkerPool,
  type WorkerPoolOptions,
} from "../../../runners/worker/worker-pool.js";
import { bundleTestModule } from "../bundle-test-module.js";
import { type FakeRunner, startFakeRunner } from "./fake-runner.js";
import { type Stage, stageOf } from "./stage.js";
import { Talk, WhichProcess } from "./worker-steps.js";

let runner: FakeRunner;
let pool: WorkerPool;
const steps = await bundleTestModule("test/runners/worker/worker-steps.ts");

beforeEach(async () => {
  runner = await startFakeRunner();
});

afterEach(async () => {
  runner.close();
  await pool.stop();
});

async function startPool(options: Partial<WorkerPoolOptions> = {}): Promise<void> {
  const modules = { urls: [steps], names: ["beam-indexeddb/test/worker-steps"] };
  pool = await startWorkerPool({ modules, ...options });
}

async function startWorker(workerId: string): Promise<string> {
  const client = connect(pool.address);
  const endpoint = { url: runner.address };
  const { error } = await call(
    client,
    workerPool.startWorker,
    fnApi.StartWorkerRequest.create({ workerId, controlEndpoint: endpoint, loggingEndpoint: endpoint }),
  );
  client.close();
  return error;
}

async function stopWorker(workerId: string): Promise<void> {
  const client = connect(pool.address);
  await call(client, workerPool.stopWorker, { workerId });
  client.close();
}

function stage(steps: Parameters<typeof stageOf>[1]): Stage {
  const made = stageOf(runner.address, steps);
  runner.descriptors.set(made.descriptor.id, made.descriptor);
  return made;
}

function begin(made: Stage, id: string): Promise<fnApi.InstructionResponse> {
  const processBundle = fnApi.ProcessBundleRequest.create({ processBundleDescriptorId: made.descriptor.id });
  return runner.instruct({ oneofKind: "processBundle", processBundle }, id);
}

async function run(made: Stage, id: string, elements: readonly unknown[]): Promise<unknown[]> {
  const response = begin(made, id);
  await runner.send(id, "source", made.encode(elements), true);
  expect((await response).error).toBe("");
  return made.decode(await runner.received(id, "sink"));
}

describe("a worker of a pool", () => {
  test("is a process of its own that runs bundles and logs to the runner", async () => {
    await startPool();
    expect(await startWorker("w1")).toBe("");
    const out = await run(
      stage((input) => input.apply(parDo(new Talk())).apply(asyncParDo(new WhichProcess()))),
      "b",
      ["one"],
    );
    const [{ element, pid }] = out as [{ element: string; pid: number }];
    expect(element).toBe("one");
    expect(pid).not.toBe(process.pid);
    await stopWorker("w1");
    const entries = runner.log.map(({ severity, message, instructionId }) => ({
      severity: fnApi.LogEntry_Severity_Enum[severity],
      message,
      instructionId,
    }));
    expect(entries).toEqual([
      { severity: "INFO", message: "working on one", instructionId: "b" },
      { severity: "WARN", message: "careful", instructionId: "b" },
      { severity: "INFO", message: "straight out", instructionId: "b" },
    ]);
    expect(isAlive(pid)).toBe(false);
  });

  test("ends by itself when the job is over", async () => {
    let died = false;
    await startPool({ onWorkerDied: () => (died = true) });
    await startWorker("w1");
    const [{ pid }] = (await run(
      stage((input) => input.apply(asyncParDo(new WhichProcess()))),
      "b",
      [1],
    )) as [{ pid: number }];
    runner.end();
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(died).toBe(false);
  });

  test("is missed when it is killed", async () => {
    const died = new Promise<Error>((resolve) => {
      void startPool({ onWorkerDied: resolve }).then(async () => {
        await startWorker("w1");
        const [{ pid }] = (await run(
          stage((input) => input.apply(asyncParDo(new WhichProcess()))),
          "b",
          [1],
        )) as [{ pid: number }];
        process.kill(pid, "SIGKILL");
      });
    });
    await expect(died).resolves.toMatchObject({
      code: "RUNNER_WORKER_DIED",
      message: expect.stringContaining("Worker w1 ended by SIGKILL") as string,
    });
  });

  test("that can't load a module is refused with the name of it", async () => {
    await startPool({ modules: { urls: ["file:///nowhere/steps.js"], names: [] } });
    expect(await startWorker("w1")).toBe("A worker could not import file:///nowhere/steps.js.");
  });

  test("that lacks a registered name is refused with what to do", async () => {
    await startPool({ modules: { urls: [steps], names: ["my-app/steps"] } });
    expect(await startWorker("w1")).toMatch(/can't find the module "my-app\/steps".*workerModules/s);
  });

  test("takes the place of an earlier one of its id", async () => {
    await startPool();
    await startWorker("w1");
    expect(await startWorker("w1")).toBe("");
  });
});

describe("a worker that is spread over processes", () => {
  test("runs the bundles of one id on all of them, each bundle whole", async () => {
    await startPool({ parallelism: 3 });
    expect(await startWorker("w1")).toBe("");
    const made = stage((input) => input.apply(asyncParDo(new WhichProcess(), { concurrency: 4 })));
    const bundles = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const elements = Array.from({ length: 20 }, (_, j) => i * 100 + j);
        const out = (await run(made, `b${i}`, elements)) as { element: number; pid: number }[];
        expect(out.map(({ element }) => element).sort((a, b) => a - b)).toEqual(elements);
        const pids = new Set(out.map(({ pid }) => pid));
        expect(pids.size).toBe(1);
        return [...pids][0]!;
      }),
    );
    const count = new Map<number, number>();
    for (const pid of bundles) count.set(pid, (count.get(pid) ?? 0) + 1);
    expect([...count.values()].sort()).toEqual([4, 4, 4]);
  });

  test("has bundles of one stage on different processes, whatever else waits there", async () => {
    await startPool({ parallelism: 2 });
    await startWorker("w1");
    const waiting = stage((input) => input);
    const busy = stage((input) => input.apply(asyncParDo(new WhichProcess())));
    const open = ["x", "y", "z"].map((id) => begin(waiting, id));
    for (let round = 0; round < 4; round++) {
      const ids = [`a${round}`, `b${round}`];
      const responses = ids.map((id) => begin(busy, id));
      const pids = await Promise.all(
        ids.map(async (id, i) => {
          await runner.send(id, "source", busy.encode([1]), true);
          expect((await responses[i]!).error).toBe("");
          const [{ pid }] = busy.decode(await runner.received(id, "sink")) as [{ pid: number }];
          return pid;
        }),
      );
      expect(new Set(pids).size).toBe(2);
    }
    for (const id of ["x", "y", "z"]) await runner.send(id, "source", new Uint8Array(), true);
    for (const response of open) expect((await response).error).toBe("");
  });

  test("gets data that comes before the instruction, in its order", async () => {
    await startPool({ parallelism: 2 });
    await startWorker("w1");
    const made = stage((input) => input);
    await run(made, "first", [0]);
    await runner.send("late", "source", made.encode([1, 2]));
    await runner.send("late", "source", made.encode([3]));
    const response = begin(made, "late");
    await runner.send("late", "source", made.encode([4]), true);
    expect((await response).error).toBe("");
    expect(made.decode(await runner.received("late", "sink"))).toEqual([1, 2, 3, 4]);
  });

  test("answers splits, progress and names of metrics as one worker", async () => {
    await startPool({ parallelism: 2 });
    await startWorker("w1");
    const made = stage((input) => input);
    await Promise.all([run(made, "a", [1]), run(made, "b", [2])]);
    const progress = await runner.instruct({
      oneofKind: "processBundleProgress",
      processBundleProgress: { instructionId: "a" },
    });
    expect(progress.error).toBe("");
    const processBundle = fnApi.ProcessBundleRequest.create({
      processBundleDescriptorId: made.descriptor.id,
    });
    const ids = new Set<string>();
    for (const id of ["c", "d", "e", "f"]) {
      const response = runner.instruct({ oneofKind: "processBundle", processBundle }, id);
      await runner.send(id, "source", made.encode([1]), true);
      const done = await response;
      if (done.response.oneofKind !== "processBundle") throw new Error(done.error);
      for (const shortId of Object.keys(done.response.processBundle.monitoringData)) ids.add(shortId);
    }
    const named = await runner.instruct({
      oneofKind: "monitoringInfos",
      monitoringInfos: { monitoringInfoId: [...ids] },
    });
    if (named.response.oneofKind !== "monitoringInfos") throw new Error(named.error);
    expect(Object.keys(named.response.monitoringInfos.monitoringInfo).sort()).toEqual([...ids].sort());
  });

  test("is gone for the runner as soon as one of them is killed", async () => {
    const died: Error[] = [];
    await startPool({ parallelism: 2, onWorkerDied: (error) => died.push(error) });
    await startWorker("w1");
    const made = stage((input) => input.apply(asyncParDo(new WhichProcess())));
    const [{ pid }] = (await run(made, "b", [1])) as [{ pid: number }];
    process.kill(pid, "SIGKILL");
    while (died.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(died[0]).toMatchObject({ code: "RUNNER_WORKER_DIED" });
  });
});

test("no process is left when a pool's own process is killed", async () => {
  await startPool();
  const program = `
    import { startWorkerPool } from ${JSON.stringify(new URL("../../../dist/runners/worker/worker-pool.js", import.meta.url).href)};
    const pool = await startWorkerPool({ modules: ${JSON.stringify({ urls: [steps], names: [] })} });
    process.stdout.write(pool.address);
    setInterval(() => undefined, 1000);`;
  const child = execFile(process.execPath, ["--input-type=module", "-e", program]);
  const address = await new Promise<string>((resolve) => child.stdout!.once("data", resolve));
  const client = connect(address);
  const endpoint = { url: runner.address };
  await call(
    client,
    workerPool.startWorker,
    fnApi.StartWorkerRequest.create({ workerId: "w", controlEndpoint: endpoint, loggingEndpoint: endpoint }),
  );
  const [{ pid }] = (await run(
    stage((input) => input.apply(asyncParDo(new WhichProcess()))),
    "b",
    [1],
  )) as [{ pid: number }];
  child.kill("SIGKILL");
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
  client.close();
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
