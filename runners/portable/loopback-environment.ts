import { runnerApi } from "../../beam/model.js";
import type { WorkerModules } from "../worker/worker-modules.js";
import { startWorkerPool } from "../worker/worker-pool.js";
import type { WorkerEnvironment } from "./environment.js";

/** How workers on this machine are run. */
export interface LoopbackOptions {
  /** What they load. */
  readonly modules: WorkerModules;
  /** Processes for each worker that the runner asks for. Default 1. */
  readonly parallelism?: number | undefined;
}

/**
 * Workers as processes of this program, for runners on this machine: nothing is staged, since they load the modules from where they lie. A worker
 * that dies fails the job.
 */
export async function loopbackEnvironment({
  modules,
  parallelism,
}: LoopbackOptions): Promise<WorkerEnvironment> {
  let fail: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_resolve, reject) => (fail = reject));
  // Looked at while a job runs; a worker may also die when nobody waits for it any more.
  failure.catch(() => undefined);
  const pool = await startWorkerPool({ modules, parallelism, onWorkerDied: fail });
  return {
    urn: "beam:env:external:v1",
    payload: runnerApi.ExternalPayload.toBinary({ endpoint: { url: pool.address }, params: {} }),
    artifacts: [],
    stop: () => pool.stop(),
    failure,
  };
}
