import { checkWorkerCommand } from "../portable/check-worker-command.js";
import type { JobServer } from "../portable/run-portable.js";
import type { RunnerOptions } from "../runner-options.js";
import { defaultCacheFolder } from "./cached-folder.js";
import { startFlink } from "./flink.js";
import type { ServiceOptions } from "./job-service.js";
import { startPrism } from "./prism.js";
import { startPython } from "./python.js";
import { startSpark } from "./spark.js";
import { waitUntilAnswers } from "./wait-until-answers.js";

/** A job server that runs already may be restarting. */
const attachDeadlineMs = 5_000;

/** The job server at `jobEndpoint`, or else a new one for this run. */
export async function findJobServer(
  options: RunnerOptions,
  onProgress: (text: string) => void,
): Promise<JobServer> {
  const { runner, jobEndpoint, signal, cacheFolder = defaultCacheFolder() } = options;
  // A server may take a long time to start, and be fetched first.
  checkWorkerCommand(options);
  if (jobEndpoint !== undefined) {
    await waitUntilAnswers(jobEndpoint, attachDeadlineMs, signal);
    return { address: jobEndpoint, stop: () => Promise.resolve() };
  }
  const service: ServiceOptions = { onProgress, signal, cacheFolder };
  switch (runner) {
    case "prism":
      return startPrism({ ...service, prismPath: options.prismPath });
    case "flink":
      return startFlink({
        ...service,
        flinkMaster: options.flinkMaster,
        flinkJobServerJar: options.flinkJobServerJar,
      });
    case "spark":
      return startSpark({
        ...service,
        sparkMasterUrl: options.sparkMasterUrl,
        sparkJobServerJar: options.sparkJobServerJar,
      });
    case "python":
      return startPython(service);
    default:
      throw new TypeError(`The runner ${runner ?? "direct"} has no job server of its own.`);
  }
}
