import type { RunnerOptions } from "../runner-options.js";
import type { WorkerEnvironment } from "./environment.js";
import { externalEnvironment } from "./external-environment.js";
import { loopbackEnvironment } from "./loopback-environment.js";

/** Makes ready what the workers of a job start in. */
export async function workerEnvironment(options: RunnerOptions): Promise<WorkerEnvironment> {
  const { environmentType = "LOOPBACK", environmentConfig = "", parallelism, workerModules } = options;
  switch (environmentType) {
    case "EXTERNAL":
      return externalEnvironment(environmentConfig);
    case "LOOPBACK":
      return loopbackEnvironment({ parallelism, workerModules });
  }
}
