/** Flink as it runs in earnest: a cluster beside the job server, which starts workers itself (PROCESS) or asks a pool for them (EXTERNAL). */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { create, parDo, reshuffle } from "../../beam/index.js";
import { createRunner, type PipelineRunner } from "../../runners/index.js";
import { startFlink } from "../../runners/service/flink.js";
import type { JobService } from "../../runners/service/job-service.js";
import { KillWorker } from "../suites/runner-steps.js";
import { countingCases, describeRunner } from "../suites/runner-suite.js";
import { bundleTestModule } from "./bundle-test-module.js";
import { type FlinkCluster, startFlinkCluster } from "./flink-cluster.js";
import { portableUnderTest } from "./portable-under-test.js";
import { cacheFolder } from "./programs.js";

const cli = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));
const steps = await bundleTestModule("test/suites/runner-steps.ts");

let cluster: FlinkCluster;
beforeAll(async () => {
  cluster = await startFlinkCluster();
});
afterAll(() => cluster.stop());

describeRunner(
  await portableUnderTest(
    "flink, cluster, PROCESS",
    () => startFlink({ cacheFolder, flinkMaster: cluster.master }),
    { runner: "flink", parallelism: 2, environmentType: "PROCESS", cacheFolder },
    {},
  ),
);

describe("the runner flink, cluster, EXTERNAL", () => {
  const pool = spawn(
    process.execPath,
    [
      ...[cli, "worker-pool", "--address=127.0.0.1:0", "--parallelism=2"],
      `--workerModules=beam-indexeddb/testing,${steps}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const poolClosed = once(pool, "close");
  let service: JobService;
  let runner: PipelineRunner;

  beforeAll(async () => {
    const [said] = (await once(pool.stderr, "data")) as [Buffer];
    service = await startFlink({ cacheFolder, flinkMaster: cluster.master });
    runner = createRunner({
      runner: "flink",
      jobEndpoint: service.address,
      environmentType: "EXTERNAL",
      environmentConfig: /--environmentConfig=(\S+);/.exec(said.toString())![1]!,
      parallelism: 2,
      timeoutMs: 180_000,
    });
  });
  afterAll(async () => {
    await service.stop();
    pool.kill("SIGINT");
    await poolClosed;
  });

  // What pipelines do with workers that are there, the suite has shown; here it is whether a pool serves the TaskManager.
  test.each(countingCases.map((build, i) => [i, build] as const))(
    "counts exactly (%i)",
    async (_i, build) => {
      expect(await runner.run(build)).toMatchObject({ state: "DONE" });
    },
  );

  test("a worker of the pool that is killed fails the job in time, and the pool serves the next one", async () => {
    const killed = runner.run((root) => {
      root
        .apply(create([1]))
        .apply(reshuffle())
        .apply(parDo(new KillWorker(process.pid)));
    });
    await expect(killed).rejects.toMatchObject({ code: "RUNNER_JOB_FAILED" });
    await runner.run(countingCases[0]!);
  });
});
