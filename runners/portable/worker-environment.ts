import type { RunnerOptions } from "../runner-options.js";
import { workerModules } from "../worker/worker-modules.js";
import { checkWorkerCommand } from "./check-worker-command.js";
import { dockerEnvironment } from "./docker-environment.js";
import type { WorkerEnvironment } from "./environment.js";
import { externalEnvironment } from "./external-environment.js";
import { loopbackEnvironment } from "./loopback-environment.js";
import { processEnvironment } from "./process-environment.js";

/** Makes ready what the workers of a job start in. To be called when the pipeline is built: its modules are known then. */
export async function workerEnvironment(options: RunnerOptions): Promise<WorkerEnvironment> {
  const { environmentType = "LOOPBACK", environmentConfig, parallelism, cacheFolder } = options;
  switch (environmentType) {
    case "EXTERNAL":
      return externalEnvironment(environmentConfig ?? "");
    case "LOOPBACK":
      return loopbackEnvironment({ modules: workerModules(options.workerModules), parallelism });
    case "PROCESS":
      checkWorkerCommand(options);
      return processEnvironment({
        command: environmentConfig,
        parallelism,
        workerModules: options.workerModules,
        cacheFolder,
      });
    case "DOCKER":
      return dockerEnvironment({
        image: options.sdkContainerImage ?? environmentConfig,
        workerModules: options.workerModules,
        cacheFolder,
      });
  }
}
