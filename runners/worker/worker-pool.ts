import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { SnapshotError } from "../../snapshot/index.js";
import { serve, unary } from "../grpc/server.js";
import { workerPool } from "../grpc/method.js";
import { spreadWorker } from "./spread-worker.js";
import { readFailures } from "./failure-text.js";
import type { WorkerModules } from "./worker-modules.js";
import type { WorkerProcessMessage, WorkerProcessSettings } from "./worker-process.js";

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

/** After so long a worker that was asked to end is killed. */
const graceMs = 2000;
/** So much of what a process wrote at its end is told. */
const mostStderr = 4000;

/**
 * Starts Beam's worker pool service (BeamFnExternalWorkerPool): a Node process for each worker that a runner asks for. A runner's request is
 * answered when its worker has loaded the modules; one that can't is told why.
 */
export async function startWorkerPool(options: WorkerPoolOptions): Promise<WorkerPool> {
  const workers = new Map<string, RunningWorker>();
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
          const worker = await startWorker(settings, options.parallelism ?? 1, (error) => {
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

interface RunningWorker {
  /** Resolves when the process is gone. */
  stop(): Promise<void>;
}

/** A process, or several behind one worker. */
async function startWorker(
  settings: WorkerProcessSettings,
  processes: number,
  onEnd: (error: SnapshotError | undefined) => void,
): Promise<RunningWorker> {
  if (processes === 1) return startProcess(settings, onEnd);
  const spread = await spreadWorker({ ...settings, processes });
  const started: RunningWorker[] = [];
  let running = processes;
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.stop()));
    spread.close();
  };
  const onProcessEnd = (error: SnapshotError | undefined): void => {
    running--;
    if (error) spread.close();
    if (error) onEnd(error);
    else if (running === 0) {
      spread.close();
      onEnd(undefined);
    }
  };
  try {
    await Promise.all(
      spread.addresses.map(async (control) => {
        started.push(await startProcess({ ...settings, control }, onProcessEnd));
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

async function startProcess(
  settings: WorkerProcessSettings,
  onEnd: (error: SnapshotError | undefined) => void,
): Promise<RunningWorker> {
  const child = fork(workerProgram(), [JSON.stringify(settings)], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    // Options of the parent (a debugger's port, a loader) are not the worker's.
    execArgv: ["--enable-source-maps"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-mostStderr);
  });
  let isStopping = false;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      resolve();
      if (isReady) onEnd(code === 0 || isStopping ? undefined : died(settings.id, code, signal, stderr));
    });
  });
  let isReady = false;
  await new Promise<void>((resolve, reject) => {
    child.once("message", (message: WorkerProcessMessage) => {
      if ("ready" in message) resolve();
      else reject(new Error(readFailures(message.failed)[0]?.message ?? message.failed));
    });
    child.once("error", reject);
    void ended.then(() => {
      reject(died(settings.id, child.exitCode, child.signalCode, stderr));
    });
  });
  isReady = true;
  return {
    async stop() {
      isStopping = true;
      await end(child, ended);
    },
  };
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  if (child.connected) child.disconnect();
  const killing = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await ended;
  clearTimeout(killing);
}

function died(id: string, code: number | null, signal: string | null, stderr: string): SnapshotError {
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  const said = stderr.trim() === "" ? "" : ` The last it said: ${stderr.trim()}`;
  const memory = signal === "SIGKILL" ? " The system may have run out of memory." : "";
  return new SnapshotError(
    "RUNNER_WORKER_DIED",
    `Worker ${id} ended ${how} in the middle of the job.${memory}${said} Run it again: nothing half-done was kept.`,
  );
}

/** The compiled program, also when this module itself runs from its source. */
function workerProgram(): string {
  return createRequire(import.meta.url).resolve("beam-indexeddb/runners/worker");
}
