import { createRequire } from "node:module";
import type { SnapshotError } from "../../snapshot/index.js";
import { serve, unary } from "../grpc/server.js";
import { workerPool } from "../grpc/method.js";
import { startWorker } from "./start-worker.js";
import type { WorkerProcess } from "./start-worker-process.js";
import type { WorkerModules } from "./worker-modules.js";

/** How a pool serves. */
export interface WorkerPoolOptions {
  /** `host:port` to listen on; port 0 takes a free one. Default 127.0.0.1:0. */
  readonly address?: string | undefined;
  readonly modules: WorkerModules;
  /** Processes for each worker that a runner asks for; its bundles are spread over them. Default 1. */
  readonly parallelism?: number | undefined;
  /** Called once for each worker that ends before the runner is done with it. */
  readonly onWorkerDied?: ((error: SnapshotError) => void) | undefined;
}

/** A pool that listens. */
export interface WorkerPool {
  /** `host:port` under which runners on this machine reach it. */
  readonly address: string;
  /** Ends all workers and the service. Resolves when no process is left. */
  stop(): Promise<void>;
}

/**
 * Starts Beam's worker pool service (BeamFnExternalWorkerPool): a Node process for each worker that a runner asks for. A runner's request is
 * answered when its worker has loaded the modules; one that can't is told why.
 *
 * Whoever can reach the address can have code run here, so listen where only the runner is.
 * @throws the system's error when the address can't be had
 * @example
 * const pool = await startWorkerPool({ address: "127.0.0.1:50000", modules: workerModules() });
 * // a runner with environmentType: "EXTERNAL", environmentConfig: pool.address
 */
export async function startWorkerPool(options: WorkerPoolOptions): Promise<WorkerPool> {
  const workers = new Map<string, WorkerProcess>();
  const server = await serve(
    [
      unary(workerPool.startWorker, async (request) => {
        const { workerId: id } = request;
        try {
          const settings = {
            id,
            control: request.controlEndpoint?.url ?? "",
            logging: request.loggingEndpoint?.url,
            modules: options.modules,
          };
          // A runner that asks again for the same id has given up the first one.
          await workers.get(id)?.stop();
          const worker = await startWorker(workerProgram(), settings, options.parallelism ?? 1, (error) => {
            workers.delete(id);
            if (error) options.onWorkerDied?.(error);
          });
          workers.set(id, worker);
          return { error: "" };
        } catch (error) {
          return { error: (error as Error).message };
        }
      }),
      unary(workerPool.stopWorker, async ({ workerId }) => {
        await workers.get(workerId)?.stop();
        return { error: "" };
      }),
    ],
    options.address,
  );
  return {
    address: server.address,
    async stop() {
      server.close();
      await Promise.all([...workers.values()].map((worker) => worker.stop()));
    },
  };
}

/** The compiled program, also when this module itself runs from its source. */
function workerProgram(): string {
  return createRequire(import.meta.url).resolve("beam-indexeddb/runners/worker");
}
