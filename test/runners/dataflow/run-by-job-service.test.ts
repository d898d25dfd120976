import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { create } from "../../../beam/index.js";
import { flagsOf } from "../../../runners/dataflow/dataflow-job-service.js";
import { createRunner, type RunnerOptions } from "../../../runners/index.js";
import { cacheFolder } from "../programs.js";
import { startFakeDataflow } from "./fake-dataflow.js";
import { startFakeGcs } from "./fake-gcs.js";
import { referenceName, referenceOptions } from "./test-job.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

async function fakes() {
  const gcs = await startFakeGcs();
  const dataflow = await startFakeDataflow();
  onTestFinished(async () => {
    await gcs.close();
    await dataflow.close();
  });
  // Python's client of Cloud Storage looks there.
  vi.stubEnv("STORAGE_EMULATOR_HOST", gcs.server);
  const options: RunnerOptions = {
    ...referenceOptions,
    runner: "dataflow",
    dataflowJobService: true,
    jobName: referenceName,
    dataflowEndpoint: dataflow.url,
    storageEndpoint: gcs.endpoint,
    noAuth: true,
    cacheFolder,
  };
  return { gcs, dataflow, options };
}

test("a job through Beam's Python service has the options with their types, runs to its end, and has its metrics", async () => {
  const { gcs, dataflow, options } = await fakes();
  dataflow.script = (job) => {
    job.metrics = [{ name: { origin: "user", name: "read" }, scalar: 3 }];
  };
  const run = await createRunner(options).run((root) => root.apply(create([1, 2, 3])));
  expect(run).toEqual({
    jobId: "2026-01-01_00_00_00-1",
    state: "DONE",
    metrics: { counters: { read: 3 }, distributions: {} },
  });
  const { environment, labels, name } = dataflow.jobs[0]!.description;
  expect([name, labels]).toEqual([referenceName, referenceOptions.labels]);
  expect(environment.workerPools[0]).toMatchObject({
    numWorkers: 2,
    diskSizeGb: 50,
    ipConfiguration: "WORKER_IP_PRIVATE",
  });
  expect(environment.experiments).toContain("use_sibling_sdk_workers");
  expect(await gcs.names()).toEqual([
    expect.stringMatching(/^staging\/golden-job\.[\d.]+\/beam-indexeddb-worker-[0-9a-f]{64}\.mjs$/),
    expect.stringMatching(/^staging\/golden-job\.[\d.]+\/pipeline\.pb$/),
  ]);
  expect(dataflow.complaints).toEqual([]);
}, 120_000);

test("a job through Beam's Python service that fails says so", async () => {
  const { dataflow, options } = await fakes();
  dataflow.script = (job) => {
    job.states = ["JOB_STATE_RUNNING", "JOB_STATE_FAILED"];
  };
  await expect(createRunner(options).run((root) => root.apply(create([1])))).rejects.toMatchObject({
    code: "RUNNER_JOB_FAILED",
  });
}, 120_000);

test("an interruption cancels a job through Beam's Python service", async () => {
  const { dataflow, options } = await fakes();
  const abort = new AbortController();
  dataflow.script = (job) => {
    job.states = ["JOB_STATE_RUNNING"];
    abort.abort();
  };
  const run = createRunner({ ...options, signal: abort.signal }).run((root) => root.apply(create([1])));
  await expect(run).rejects.toMatchObject({ code: "RUNNER_JOB_CANCELLED" });
  expect(dataflow.jobs[0]!.states[0]).toMatch(/^JOB_STATE_CANCELL/);
  expect(dataflow.complaints).toEqual([]);
}, 120_000);

test("nothing goes on without the service", async () => {
  const options = { ...referenceOptions, runner: "dataflow", dataflowJobService: true } as const;
  await expect(createRunner(options).submit(() => expect.fail("built"))).rejects.toThrow(
    "With dataflowJobService the job service ends with this process",
  );
});

test("options are flags of Python's names", () => {
  expect(
    flagsOf({ project: "p", numWorkers: 2, usePublicIps: true, labels: { a: "b" }, experiments: ["x=1"] }),
  ).toEqual([
    "--project=p",
    "--num_workers=2",
    "--use_public_ips",
    "--labels=a=b",
    "--experiments=x=1",
    "--experiments=use_sibling_sdk_workers",
  ]);
  expect(flagsOf({ usePublicIps: false, noAuth: true, workerMachineType: "n1" })).toEqual([
    "--machine_type=n1",
    "--no_use_public_ips",
    "--no_auth",
    "--experiments=use_sibling_sdk_workers",
  ]);
});
