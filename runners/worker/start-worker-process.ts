import { type ChildProcess, fork } from "node:child_process";
import { SnapshotError } from "../../snapshot/index.js";
import { readFailures } from "./failure-text.js";
import type { WorkerProcessMessage, WorkerProcessSettings } from "./worker-process.js";

/** A worker in a process of its own. */
export interface WorkerProcess {
  /** Resolves when the process is gone. */
  stop(): Promise<void>;
}

/** How a worker's process is started. */
export interface WorkerProcessOptions {
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Kills the process while it is not ready yet; from then on there is `stop`. */
  readonly signal?: AbortSignal | undefined;
}

/** After so long a worker that was asked to end is killed. */
const graceMs = 2000;
/** So much of what a process wrote at its end is told. */
const mostStderr = 4000;
/** So long what it wrote is waited for. */
const mostStderrMs = 500;

/**
 * Starts a worker in a process of its own. Resolves when it serves the runner.
 * @param program The file of worker-process.ts, or a bundle of it
 * @param onEnd Called once when the process has ended after it was ready, with an error unless the runner or `stop` ended it
 * @throws Error with what the worker said, when it can't serve
 */
export async function startWorkerProcess(
  program: string,
  settings: WorkerProcessSettings,
  onEnd: (error: SnapshotError | undefined) => void,
  { env = process.env, signal }: WorkerProcessOptions = {},
): Promise<WorkerProcess> {
  const child = fork(program, [JSON.stringify(settings)], {
    env: { ...env },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    // Options of the parent (a debugger's port, a loader) are not the worker's.
    execArgv: ["--enable-source-maps"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-mostStderr);
  });
  let isStopping = false;
  let isReady = false;
  const giveUp = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", giveUp, { once: true });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", resolve);
  });
  void ended
    .then(() => allSaid(child))
    .then(() => {
      const { exitCode: code, signalCode: signal } = child;
      if (isReady) onEnd(code === 0 || isStopping ? undefined : died(settings.id, code, signal, stderr));
    });
  await new Promise<void>((resolve, reject) => {
    child.once("message", (message: WorkerProcessMessage) => {
      if ("ready" in message) resolve();
      else reject(couldNotStart(message.failed));
    });
    child.once("error", reject);
    void ended
      .then(() => allSaid(child))
      .then(() => {
        reject(neverReady(settings.id, child.exitCode, child.signalCode, stderr));
      });
  });
  isReady = true;
  signal?.removeEventListener("abort", giveUp);
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

/** What a process wrote last may come after its end; a child of it that lives on may hold the other end of the pipe for good. */
async function allSaid({ stderr }: ChildProcess): Promise<void> {
  if (!stderr || stderr.closed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, mostStderrMs);
    stderr.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** What a worker said itself. */
function couldNotStart(text: string): Error {
  const [failure] = readFailures(text);
  const { name = "Error", message = text, code } = failure ?? {};
  return Object.assign(new Error(message), { name }, code === undefined ? {} : { code });
}

function neverReady(id: string, code: number | null, signal: string | null, stderr: string): SnapshotError {
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  const said = stderr.trim() === "" ? "" : ` The last it said: ${stderr.trim()}`;
  return new SnapshotError(
    "RUNNER_WORKER_DIED",
    `Worker ${id} ended ${how} before it could serve the runner.${said}`,
  );
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
