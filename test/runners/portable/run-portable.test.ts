import { afterEach, describe, expect, test } from "vitest";
import { atRunEnd, create, type PipelineFunction } from "../../../beam/index.js";
import { jobApi, MonitoringInfo } from "../../../beam/model.js";
import { externalEnvironment } from "../../../runners/portable/external-environment.js";
import { runPortable, submitPortable, type PortableSetup } from "../../../runners/portable/run-portable.js";
import { writeFailure } from "../../../runners/worker/failure-text.js";
import { type FakeBehaviour, type FakeJobServer, fakeJobServer } from "./fake-job-server.js";

const { RUNNING, DONE, FAILED, CANCELLED } = jobApi.JobState_Enum;
const { JOB_MESSAGE_BASIC, JOB_MESSAGE_WARNING, JOB_MESSAGE_ERROR } = jobApi.JobMessage_MessageImportance;

const servers: FakeJobServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Watched {
  readonly server: FakeJobServer;
  readonly setup: PortableSetup;
  /** What happened, in its order. */
  readonly events: string[];
  readonly pipeline: PipelineFunction;
}

async function watched(behaviour: FakeBehaviour, more: Partial<PortableSetup> = {}): Promise<Watched> {
  const server = await fakeJobServer(behaviour);
  servers.push(server);
  const events: string[] = [];
  const stop = (what: string) => async () => void events.push(what);
  const setup: PortableSetup = {
    service: async () => ({ address: server.address, stop: stop("server stopped") }),
    environment: async () => ({ ...externalEnvironment("localhost:1"), stop: stop("workers stopped") }),
    jobName: "mine",
    pipelineOptions: { parallelism: 3 },
    ...more,
  };
  const pipeline: PipelineFunction = (root) => {
    const values = root.apply(create([1]));
    atRunEnd(values, stop("run ended"));
    return values;
  };
  return { server, setup, events, pipeline };
}

const allStopped = ["workers stopped", "server stopped", "run ended"];

describe("a run on a job server", () => {
  test("prepares, stages, starts, follows and measures", async () => {
    const tokens: string[] = [];
    const metrics = {
      committed: [counter("a", 3), counter("a", 4, "other step")],
      attempted: [counter("a", 30), counter("b", 5), counter("a", 99, "other step")],
    };
    const { server, setup, events, pipeline } = await watched({
      stage: async ({ token }) => void tokens.push(token),
      metrics,
    });
    expect(await runPortable(pipeline, setup)).toEqual({
      jobId: "job-1",
      state: "DONE",
      metrics: { counters: { a: 7, b: 5 }, distributions: {} },
    });
    expect(server.prepared.map(({ jobName }) => jobName)).toEqual(["mine"]);
    expect(server.ran).toEqual([{ preparationId: "preparation", retrievalToken: "token" }]);
    expect([tokens, server.cancelled]).toEqual([["token"], []]);
    expect(events).toEqual(allStopped);
  });

  test("tells each message once", async () => {
    const messages = [
      { messageId: "1", importance: JOB_MESSAGE_BASIC, messageText: "starting" },
      { messageId: "2", importance: JOB_MESSAGE_WARNING, messageText: "slow" },
      { messageId: "1", importance: JOB_MESSAGE_BASIC, messageText: "starting" },
      { messageId: "1", importance: JOB_MESSAGE_BASIC, messageText: "same id, another text" },
    ];
    const { setup, pipeline } = await watched({ messages });
    const heard: string[] = [];
    await runPortable(pipeline, setup, {
      onMessage: ({ severity, text }) => heard.push(`${severity}: ${text}`),
    });
    expect(heard).toEqual(["info: starting", "warning: slow", "info: same id, another text"]);
  });

  test("believes what it is told when it asks, after a stream that ends early", async () => {
    const { setup, pipeline } = await watched({ streamed: [RUNNING], polled: [RUNNING, RUNNING, DONE] });
    expect(await runPortable(pipeline, setup)).toMatchObject({ state: "DONE" });
  });

  test("that fails tells the error of the step", async () => {
    const text = `bundle inst001 stage-001 failed:${writeFailure(new RangeError("boom"))}`;
    const { setup, events, pipeline } = await watched({
      streamed: [RUNNING, FAILED],
      messages: [{ importance: JOB_MESSAGE_ERROR, messageText: text }],
    });
    await expect(runPortable(pipeline, setup)).rejects.toMatchObject({
      code: "RUNNER_JOB_FAILED",
      message: "The job failed: RangeError: boom",
    });
    expect(events).toEqual(allStopped);
  });

  test("that someone else cancels is no success", async () => {
    const { setup, pipeline } = await watched({ streamed: [RUNNING, CANCELLED] });
    await expect(runPortable(pipeline, setup)).rejects.toMatchObject({ code: "RUNNER_JOB_CANCELLED" });
  });

  test("is cancelled by the signal, and all is stopped", async () => {
    const abort = new AbortController();
    const { server, setup, events, pipeline } = await watched(
      { streamed: [RUNNING], staysOpen: true, messages: [{ messageText: "it runs" }] },
      { signal: abort.signal },
    );
    const run = runPortable(pipeline, setup, {
      onMessage: () => {
        abort.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "RUNNER_JOB_CANCELLED" });
    expect(server.cancelled).toEqual(["job-1"]);
    expect(events).toEqual(allStopped);
  });

  test("is not started when the signal has fired before", async () => {
    const { server, setup, events, pipeline } = await watched({}, { signal: AbortSignal.abort() });
    await expect(runPortable(pipeline, setup)).rejects.toMatchObject({ code: "RUNNER_JOB_CANCELLED" });
    expect(server.ran).toEqual([]);
    expect(events).toEqual(allStopped);
  });

  test("is cancelled after its time", async () => {
    const { server, setup, events, pipeline } = await watched(
      { streamed: [RUNNING], staysOpen: true },
      { timeoutMs: 50 },
    );
    await expect(runPortable(pipeline, setup)).rejects.toMatchObject({
      code: "RUNNER_TIMEOUT",
      message: expect.stringMatching(/not done after 0.05 s/),
    });
    expect(server.cancelled).toEqual(["job-1"]);
    expect(events).toEqual(allStopped);
  });

  test("is not cancelled early when its time is more than a timer can count", async () => {
    const { setup, pipeline } = await watched({}, { timeoutMs: 2 ** 31 });
    expect((await runPortable(pipeline, setup)).state).toBe("DONE");
  });

  test("names the end of its job server as the cause, when its workers are heard first", async () => {
    const broken = await watched({ streamed: [RUNNING], staysOpen: true });
    const workerDied = Promise.reject(new Error("a worker has lost its runner"));
    workerDied.catch(() => undefined);
    const serverDied = new Promise<never>((_, reject) => {
      setImmediate(() => {
        reject(new Error("the server was killed"));
      });
    });
    serverDied.catch(() => undefined);
    const setup: PortableSetup = {
      ...broken.setup,
      service: async () => ({ ...(await broken.setup.service(() => undefined)), failure: serverDied }),
      environment: async () => ({ ...(await broken.setup.environment()), failure: workerDied }),
    };
    await expect(runPortable(broken.pipeline, setup)).rejects.toThrow("the server was killed");
  });

  test.each(["service", "environment"] as const)("ends with the failure of its %s", async (place) => {
    const broken = await watched({ streamed: [RUNNING], staysOpen: true });
    const failure = Promise.reject(new Error("gone"));
    failure.catch(() => undefined);
    const setup: PortableSetup = {
      ...broken.setup,
      [place]: async () => ({ ...(await broken.setup[place](() => undefined)), failure }),
    };
    await expect(runPortable(broken.pipeline, setup)).rejects.toThrow("gone");
    expect(broken.events).toEqual(allStopped);
  });

  test("stops what has started when the rest can't start", async () => {
    const { setup, events, pipeline } = await watched({});
    const failing = { ...setup, service: () => Promise.reject(new Error("no port")) };
    await expect(runPortable(pipeline, failing)).rejects.toThrow("no port");
    expect(events).toEqual(["workers stopped", "run ended"]);
  });

  test("of a pipeline that can't be built starts nothing", async () => {
    const { setup, events } = await watched({});
    const pipeline = (): never => {
      throw new TypeError("wrong");
    };
    await expect(runPortable(pipeline, setup)).rejects.toThrow("wrong");
    expect(events).toEqual([]);
  });

  test.each([
    ["unsupported feature: MergeStatus", "RUNNER_UNSUPPORTED_FEATURE"],
    ["disk full", "RUNNER_SERVICE_FAILED"],
  ])("that the server refuses because of %j", async (prepareError, code) => {
    const { setup, events, pipeline } = await watched({ prepareError });
    await expect(runPortable(pipeline, setup)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(prepareError),
    });
    expect(events).toEqual(allStopped);
  });

  test("that is only submitted leaves its end to others", async () => {
    const { server, setup, events, pipeline } = await watched({});
    expect(await submitPortable(pipeline, setup)).toEqual({ jobId: "job-1", jobEndpoint: server.address });
    expect(events).toEqual(["workers stopped", "server stopped"]);
  });
});

function counter(name: string, value: number, step = "a step"): MonitoringInfo {
  return MonitoringInfo.create({
    urn: "beam:metric:user:sum_int64:v1",
    type: "beam:metrics:sum_int64:v1",
    labels: { NAME: name, PTRANSFORM: step },
    payload: new Uint8Array([value]),
  });
}
