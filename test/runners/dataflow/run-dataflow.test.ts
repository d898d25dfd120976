import { setImmediate } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { create } from "../../../beam/index.js";
import { runnerApi } from "../../../beam/model.js";
import { openDataflowJobs } from "../../../runners/dataflow/open-dataflow-jobs.js";
import { type DataflowSetup, runDataflow, submitDataflow } from "../../../runners/dataflow/run-dataflow.js";
import type { JobMessage } from "../../../runners/portable/follow-messages.js";
import { writeFailure } from "../../../runners/worker/failure-text.js";
import type { SnapshotError } from "../../../snapshot/index.js";
import { type FakeDataflow, type FakeJob, type Fault, startFakeDataflow } from "./fake-dataflow.js";
import { type FakeGcs, startFakeGcs } from "./fake-gcs.js";
import { artifactFile, referenceName, referenceOptions } from "./test-job.js";

let gcs: FakeGcs;
let dataflow: FakeDataflow;

beforeAll(async () => {
  gcs = await startFakeGcs();
});
afterAll(() => gcs.close());
beforeEach(async () => {
  gcs.requests.length = 0;
  dataflow = await startFakeDataflow();
});
afterEach(async () => {
  await dataflow.close();
  expect(dataflow.complaints).toEqual([]);
  expect(gcs.complaints).toEqual([]);
  expect(dataflow.authorizations.size).toBeLessThanOrEqual(1);
});

const pipeline = (root: Parameters<Parameters<typeof runDataflow>[0]>[0]) => root.apply(create([1, 2, 3]));

function setup(further: Partial<DataflowSetup> = {}, options: object = {}): DataflowSetup {
  const artifact = artifactFile();
  return {
    options: {
      ...referenceOptions,
      dataflowEndpoint: dataflow.url,
      storageEndpoint: gcs.endpoint,
      noAuth: true,
      ...options,
    },
    artifacts: () => Promise.resolve([artifact]),
    jobName: referenceName,
    wait: async (_, signal) => {
      await setImmediate();
      signal?.throwIfAborted();
    },
    ...further,
  };
}

function message(n: number, text: string, importance = "JOB_MESSAGE_BASIC"): Record<string, unknown> {
  const time = new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
  return { id: `m${n}`, time, messageText: text, messageImportance: importance };
}

const failing =
  (...texts: string[]) =>
  (job: FakeJob) => {
    job.states = ["JOB_STATE_RUNNING", "JOB_STATE_FAILED"];
    job.messages = texts.map((text, n) => message(n, text, "JOB_MESSAGE_ERROR"));
  };

const endless = (job: FakeJob) => {
  job.states = ["JOB_STATE_RUNNING"];
};

describe("a run", () => {
  test("uploads its files, starts its job, and comes back with its metrics", async () => {
    dataflow.script = (job) => {
      job.messages = [
        message(1, "Worker configuration: n1-standard-2"),
        message(2, "Quota is low.", "JOB_MESSAGE_WARNING"),
      ];
      job.metrics = [{ name: { origin: "user", name: "read", context: { step: "s1" } }, scalar: 3 }];
    };
    const messages: JobMessage[] = [];
    const status: string[] = [];
    const run = await runDataflow(pipeline, setup(), {
      onMessage: (one) => messages.push(one),
      onStatus: (text) => status.push(text),
    });
    expect(run).toEqual({
      jobId: "2026-01-01_00_00_00-1",
      state: "DONE",
      metrics: { counters: { read: 3 }, distributions: {} },
    });
    expect(messages).toEqual([
      { severity: "info", text: "Worker configuration: n1-standard-2" },
      { severity: "warning", text: "Quota is low." },
    ]);
    expect(status).toEqual([
      expect.stringMatching(/^Uploading 2 files/),
      "Dataflow runs the job 2026-01-01_00_00_00-1: https://console.cloud.google.com/dataflow/jobs/europe-west1/2026-01-01_00_00_00-1?project=my-project-123",
    ]);
  });

  test("has its pipeline and its files where its job says", async () => {
    await runDataflow(pipeline, setup());
    const { environment } = dataflow.jobs[0]!.description;
    const { pipelineUrl } = environment.sdkPipelineOptions.options as { pipelineUrl: string };
    const bytes = (await gcs.read(pipelineUrl.slice("gs://my-bucket/".length)))!;
    const { environments } = runnerApi.Pipeline.fromBinary(bytes).components!;
    const { url } = runnerApi.ArtifactUrlPayload.fromBinary(
      environments.jsEnvironment!.dependencies[0]!.typePayload,
    );
    const file = (await gcs.read(url.slice("gs://my-bucket/".length)))!;
    expect(Buffer.from(file).toString()).toBe("console.log('worker');\n");
    const [{ location }] = environment.workerPools[0]!.packages as [{ location: string }];
    expect(location).toBe(url.replace("gs://", "storage.googleapis.com/"));
  });

  test("sends a large pipeline to storage, and a small job to the service", async () => {
    const text = "a".repeat(5_000_000);
    await runDataflow((root) => root.apply(create([text])), setup());
    expect(JSON.stringify(dataflow.jobs[0]!.description).length).toBeLessThan(20_000);
  });

  test("tells each message once, over all looks and pages", async () => {
    dataflow.script = (job) => {
      job.states = ["JOB_STATE_PENDING", ...Array<string>(5).fill("JOB_STATE_RUNNING"), "JOB_STATE_DONE"];
      job.messages = Array.from({ length: 7 }, (_, n) => message(n * 40, `message ${n}`));
    };
    const texts: string[] = [];
    await runDataflow(pipeline, setup(), { onMessage: ({ text }) => texts.push(text) });
    expect(texts).toEqual(Array.from({ length: 7 }, (_, n) => `message ${n}`));
  });

  test("tells counters while the job runs", async () => {
    dataflow.script = (job) => {
      job.states = ["JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_RUNNING", "JOB_STATE_DONE"];
      job.metrics = [{ name: { origin: "user", name: "read" }, scalar: 3 }];
    };
    const seen: unknown[] = [];
    await runDataflow(pipeline, setup(), { onProgress: (counters) => seen.push(counters) });
    expect(seen).toEqual([{ read: 3 }, { read: 3 }]);
  });
});

describe("a job that fails", () => {
  const failed = async (): Promise<SnapshotError> => {
    try {
      await runDataflow(pipeline, setup());
    } catch (error) {
      return error as SnapshotError;
    }
    throw new Error("did not fail");
  };
  const url =
    "https://console.cloud.google.com/dataflow/jobs/europe-west1/2026-01-01_00_00_00-1?project=my-project-123";

  test("tells the error of the user's function, found in the service's texts", async () => {
    const text = writeFailure(Object.assign(new Error("no such note"), { code: "NOTE_MISSING" }));
    dataflow.script = failing(
      `Error message from worker: generic::unknown: ${text}\n\npassed through:\n==>\n  dist_proc/dax/workflow/worker/fnapi_service.cc:631`,
      "Workflow failed. Causes: S01:create/impulse+read failed., The job failed because a work item has failed 4 times.",
    );
    const error = await failed();
    expect(error).toMatchObject({ code: "RUNNER_JOB_FAILED" });
    expect(error.message).toBe(`The job failed: NOTE_MISSING: no such note. All about the job: ${url}`);
    expect(error.cause).toMatchObject({ message: "no such note", code: "NOTE_MISSING" });
  });

  test.each([
    [
      ["Workflow failed. Causes: The zone 'europe-west1-b' has no capacity for n1-standard-2."],
      "Workflow failed. Causes: The zone 'europe-west1-b' has no capacity for n1-standard-2",
    ],
    [
      ["Workflow failed.", "Error message from worker: generic::internal: The container exited."],
      "The container exited",
    ],
    [["Workflow failed.", "The image could not be pulled."], "The image could not be pulled"],
    [[], "and the runner did not say why. Its log may tell"],
  ])("of %j tells %s", async (texts, told) => {
    dataflow.script = failing(...texts);
    const { message } = await failed();
    expect(message).toContain(told);
    expect(message).toContain(url);
  });

  test("is read to its last message, which comes after its state", async () => {
    dataflow.script = (job) => {
      failing("The image could not be pulled.")(job);
      const { messages } = job;
      let looks = 0;
      // The service knows its own errors some looks later.
      Object.defineProperty(job, "messages", { get: () => (++looks > 3 ? messages : []) });
    };
    expect((await failed()).message).toContain("The image could not be pulled");
  });
});

describe("a job is created once", () => {
  const faults: [string, Fault[]][] = [
    ["after 429", [{ status: 429 }]],
    ["after 500 and 503", [{ status: 500 }, { status: 503 }]],
    ["after a connection that broke before", [{ drop: "before" }]],
    ["when the answer got lost", [{ drop: "after" }]],
    ["when the answer was no JSON", [{ answer: "<html>proxy</html>" }]],
    ["when the answer was cut off", [{ answer: '{"id": "2026-01-0' }]],
    ["when all of that happens", [{ status: 429 }, { drop: "before" }, { drop: "after" }, { status: 500 }]],
  ];
  for (const takenAnswers of ["409", "the first job"] as const)
    test.each(faults)(
      `%s, on a service that answers a second request with ${takenAnswers}`,
      async (_, list) => {
        dataflow.takenAnswers = takenAnswers;
        dataflow.script = (job) => {
          job.states = ["JOB_STATE_PENDING", ...Array<string>(9).fill("JOB_STATE_RUNNING"), "JOB_STATE_DONE"];
        };
        dataflow.fail("create", ...list);
        const { jobId } = await runDataflow(pipeline, setup());
        expect(dataflow.jobs).toHaveLength(1);
        expect(jobId).toBe(dataflow.jobs[0]!.id);
      },
    );

  test.each(["409", "the first job"] as const)(
    "and not at all when its name is taken (%s)",
    async (takenAnswers) => {
      dataflow.takenAnswers = takenAnswers;
      dataflow.script = endless;
      await submitDataflow(pipeline, setup());
      await submitDataflow(pipeline, setup({ jobName: "another-job" }));
      await expect(runDataflow(pipeline, setup({ jobName: "another-job" }))).rejects.toMatchObject({
        code: "RUNNER_SERVICE_FAILED",
        message: expect.stringContaining(
          "A job with the name another-job runs already (2026-01-01_00_00_00-2), so none was started.",
        ),
      });
      expect(dataflow.jobs).toHaveLength(2);
    },
  );

  test("and found again when it has ended meanwhile", async () => {
    dataflow.script = (job) => {
      job.states = ["JOB_STATE_RUNNING", "JOB_STATE_DONE"];
    };
    await submitDataflow(pipeline, setup());
    dataflow.fail("create", { drop: "after" }, { status: 409 });
    const { jobId } = await runDataflow(pipeline, setup());
    expect(jobId).toBe("2026-01-01_00_00_00-2");
    expect(dataflow.jobs).toHaveLength(2);
  });

  test("and not at all when the service says that there is one, and shows none", async () => {
    dataflow.fail("create", { status: 409 });
    await expect(runDataflow(pipeline, setup())).rejects.toThrow(/Injected \(status 409\)/);
    expect(dataflow.jobs).toHaveLength(0);
  });

  test("and not at all when the service refuses it", async () => {
    dataflow.fail("create", { status: 403 });
    await expect(runDataflow(pipeline, setup())).rejects.toThrow(
      /did not create the job golden-job: .*Injected \(status 403\).*roles\/dataflow\.developer/,
    );
    expect(dataflow.requests).toEqual(["create"]);
  });
});

describe("following a job", () => {
  test("goes on over faults of every kind", async () => {
    dataflow.script = (job) => {
      job.states = [...Array<string>(6).fill("JOB_STATE_RUNNING"), "JOB_STATE_DONE"];
      job.messages = [message(1, "hello")];
    };
    dataflow.fail("get", { status: 500 }, { drop: "before" }, { answer: "{" });
    dataflow.fail("messages", { status: 429 }, { drop: "after" }, { answer: "" });
    dataflow.fail("metrics", { status: 503 }, { drop: "before" });
    const texts: string[] = [];
    const { state } = await runDataflow(pipeline, setup(), { onMessage: ({ text }) => texts.push(text) });
    expect(state).toBe("DONE");
    expect(texts).toEqual(["hello"]);
  });

  test("outlives a service that is away for some looks", async () => {
    dataflow.script = (job) => {
      job.states = ["JOB_STATE_RUNNING", "JOB_STATE_DONE"];
    };
    dataflow.fail("get", ...Array<Fault>(30).fill({ status: 503 }));
    expect((await runDataflow(pipeline, setup())).state).toBe("DONE");
  });

  test("ends when the service is away for good, and says that the job may go on", async () => {
    dataflow.fail("get", ...Array<Fault>(80).fill({ drop: "before" }));
    await expect(runDataflow(pipeline, setup())).rejects.toMatchObject({
      code: "RUNNER_ENDPOINT_UNREACHABLE",
      message: expect.stringContaining("The job 2026-01-01_00_00_00-1 was left as it is and may go on."),
    });
  });

  test("ends when the service does not let it look", async () => {
    dataflow.fail("get", { status: 403 });
    await expect(runDataflow(pipeline, setup())).rejects.toMatchObject({ code: "RUNNER_SERVICE_FAILED" });
    expect(dataflow.requests.filter((kind) => kind === "get")).toHaveLength(1);
  });
});

describe("an interruption", () => {
  test("cancels the job, and waits for that", async () => {
    const abort = new AbortController();
    dataflow.script = endless;
    const run = runDataflow(pipeline, setup({ signal: abort.signal }), {
      onProgress: () => {
        abort.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "RUNNER_JOB_CANCELLED" });
    expect(dataflow.jobs[0]!.states).toEqual(["JOB_STATE_CANCELLED"]);
    expect(dataflow.requests.filter((kind) => kind === "update")).toHaveLength(1);
  });

  test("cancels the job through faults of the service", async () => {
    const abort = new AbortController();
    dataflow.script = endless;
    dataflow.fail("update", { status: 503 }, { drop: "before" });
    const run = runDataflow(pipeline, setup({ signal: abort.signal }), {
      onProgress: () => {
        abort.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "RUNNER_JOB_CANCELLED" });
    expect(dataflow.jobs[0]!.states).toEqual(["JOB_STATE_CANCELLED"]);
  });

  test("of a job that has just ended does not undo it", async () => {
    const abort = new AbortController();
    dataflow.script = (job) => {
      endless(job);
      // The job ends between the last look and the cancelling.
      abort.signal.addEventListener("abort", () => {
        job.states = ["JOB_STATE_DONE"];
      });
    };
    const run = await runDataflow(pipeline, setup({ signal: abort.signal }), {
      onProgress: () => {
        abort.abort();
      },
    });
    expect(run.state).toBe("DONE");
  });

  test("while the answer to the creation is under way cancels what was created", async () => {
    const abort = new AbortController();
    let arrive = (): void => undefined;
    dataflow.script = (job) => {
      endless(job);
      abort.abort();
      arrive();
    };
    dataflow.fail("create", { until: new Promise<void>((done) => (arrive = done)) });
    await expect(runDataflow(pipeline, setup({ signal: abort.signal }))).rejects.toMatchObject({
      code: "RUNNER_JOB_CANCELLED",
    });
    expect(dataflow.jobs[0]!.states).toEqual(["JOB_STATE_CANCELLED"]);
  });

  test("before the job creates none", async () => {
    const signal = AbortSignal.abort();
    await expect(runDataflow(pipeline, setup({ signal }))).rejects.toMatchObject({
      code: "RUNNER_JOB_CANCELLED",
    });
    expect(dataflow.requests).toEqual([]);
  });

  test("by the clock cancels the job", async () => {
    dataflow.script = endless;
    await expect(runDataflow(pipeline, setup({ timeoutMs: 1 }))).rejects.toMatchObject({
      code: "RUNNER_TIMEOUT",
      message: expect.stringContaining("The job was not done after 0.001 s"),
    });
    expect(dataflow.jobs[0]!.states).toEqual(["JOB_STATE_CANCELLED"]);
  });

  test("by somebody else is told", async () => {
    dataflow.script = (job) => {
      job.states = ["JOB_STATE_RUNNING", "JOB_STATE_CANCELLED"];
    };
    await expect(runDataflow(pipeline, setup())).rejects.toMatchObject({ code: "RUNNER_JOB_CANCELLED" });
  });
});

describe("a template", () => {
  test("is the job, written to its place", async () => {
    const options = { templateLocation: "gs://my-bucket/templates/merge" };
    expect(await submitDataflow(pipeline, setup({}, options))).toEqual(options);
    expect(dataflow.requests).toEqual([]);
    const template = JSON.parse(Buffer.from((await gcs.read("templates/merge"))!).toString()) as object;
    expect(template).toMatchObject({ name: referenceName, type: "JOB_TYPE_BATCH" });
    expect(template).toHaveProperty("environment.workerPools.0.sdkHarnessContainerImages");
  });

  test("takes the place of an older one", async () => {
    const options = { templateLocation: "gs://my-bucket/templates/again" };
    await submitDataflow(pipeline, setup({}, options));
    await submitDataflow(pipeline, setup({ jobName: "new-name" }, options));
    expect(JSON.parse(Buffer.from((await gcs.read("templates/again"))!).toString())).toMatchObject({
      name: "new-name",
    });
  });

  test("is nothing to wait for", async () => {
    const options = { templateLocation: "gs://my-bucket/templates/merge" };
    await expect(runDataflow(pipeline, setup({}, options))).rejects.toThrow(TypeError);
  });
});

describe("an update", () => {
  const streaming = { pipelineOptions: { streaming: true } };
  const update = { update: true, transformNameMapping: { old: "new" } };

  test("replaces the running job of its name", async () => {
    dataflow.script = endless;
    await submitDataflow(pipeline, setup(streaming));
    const second = await submitDataflow(pipeline, setup(streaming, update));
    expect(second).toMatchObject({ jobId: "2026-01-01_00_00_00-2" });
    expect(dataflow.jobs[1]!.description).toMatchObject({
      replaceJobId: "2026-01-01_00_00_00-1",
      transformNameMapping: { old: "new" },
      type: "JOB_TYPE_STREAMING",
    });
    expect(dataflow.jobs[0]!.states).toEqual(["JOB_STATE_UPDATED"]);
  });

  test("needs one that runs, and uploads nothing without", async () => {
    gcs.requests.length = 0;
    await expect(submitDataflow(pipeline, setup(streaming, update))).rejects.toMatchObject({
      code: "RUNNER_SERVICE_FAILED",
      message: expect.stringContaining("There is no running job with the name golden-job"),
    });
    expect(gcs.requests).toEqual([]);
  });
});

describe("the jobs of a region", () => {
  const place = () => ({
    project: "my-project-123",
    region: "europe-west1",
    dataflowEndpoint: dataflow.url,
    storageEndpoint: gcs.endpoint,
    noAuth: true,
  });

  test("are listed, looked at, drained and cancelled", async () => {
    dataflow.script = (job) => {
      endless(job);
      job.metrics = [{ name: { origin: "user", name: "read" }, scalar: 3 }];
    };
    await submitDataflow(pipeline, setup());
    await submitDataflow(pipeline, setup({ jobName: "second" }));
    const jobs = openDataflowJobs(place());
    const [second, first] = await jobs.list();
    expect([first?.jobName, second?.jobName]).toEqual([referenceName, "second"]);
    expect(await jobs.state(first!.jobId)).toBe("RUNNING");
    expect(await jobs.metrics(first!.jobId)).toEqual({ counters: { read: 3 }, distributions: {} });
    expect(await jobs.drain(first!.jobId)).toBe("DRAINING");
    expect(await jobs.cancel(second!.jobId)).toBe("CANCELLING");
    expect(await jobs.state(first!.jobId)).toBe("DRAINED");
    await expect(jobs.state("no-such-job")).rejects.toThrow(/There is no job no-such-job \(status 404\)/);
    jobs.close();
  });
});
