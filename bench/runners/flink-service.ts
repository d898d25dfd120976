import { createRunner, type PipelineRunner, type RunnerOptions } from "beam-indexeddb/runners";
// Users start a job server by themselves; here it is started once for many jobs, so that its own start is not measured.
import { defaultCacheFolder } from "../../runners/service/cached-folder.js";
import { startFlink } from "../../runners/service/flink.js";
import type { BenchContext } from "../bench.js";

export interface FlinkService {
  /** A runner whose jobs go to this service. */
  runner(options?: RunnerOptions): PipelineRunner;
  stop(): Promise<void>;
}

/** Modules that the workers of the measured jobs load. */
export const workerModules: readonly string[] = ["./worker-steps.js", "./stock-coder.js"].map(
  (name) => new URL(name, import.meta.url).href,
);

/** Flink inside its job server, with everything started. */
export async function startFlinkService(context: BenchContext): Promise<FlinkService> {
  context.progress("starting Flink");
  const cacheFolder = process.env.BEAM_INDEXEDDB_CACHE ?? defaultCacheFolder();
  const service = await startFlink({ cacheFolder, onProgress: (text) => context.progress(text) });
  return {
    runner: (options = {}) =>
      createRunner({
        runner: "flink",
        jobEndpoint: service.address,
        workerModules,
        timeoutMs: 30 * 60_000,
        ...options,
      }),
    stop: () => service.stop(),
  };
}
