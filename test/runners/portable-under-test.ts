import { createRunner, type RunnerOptions } from "../../runners/index.js";
import type { JobService } from "../../runners/service/job-service.js";
import type { RunnerUnderTest } from "../suites/runner-suite.js";
import { bundleTestModule } from "./bundle-test-module.js";

/** No case takes as long on a machine with other work; a job that hangs is told from a slow one by it. */
const timeoutMs = 180_000;

/** A runner behind a job server, which is started once for the whole suite. */
export async function portableUnderTest(
  name: string,
  startService: () => Promise<JobService>,
  options: RunnerOptions,
  unsupported: RunnerUnderTest["unsupported"],
  restartedAfterKill?: string,
): Promise<RunnerUnderTest> {
  const steps = await bundleTestModule("test/suites/runner-steps.ts");
  return {
    name,
    unsupported,
    restartedAfterKill,
    async start() {
      const service = await startService();
      const runner = createRunner({
        ...options,
        jobEndpoint: service.address,
        workerModules: [steps],
        timeoutMs,
      });
      return { runner, stop: () => service.stop() };
    },
  };
}
