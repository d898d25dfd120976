import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { SnapshotError } from "../../snapshot/index.js";
import { sha256OfBundle } from "../bundle/worker-bundle-name.js";
import { writeFailure } from "../worker/failure-text.js";
import { startWorker } from "../worker/start-worker.js";
import type { WorkerProcess } from "../worker/start-worker-process.js";
import { openWorkerLog } from "../worker/worker-log.js";
import { type BootFlags, bootFlags } from "./boot-flags.js";
import { bootReporter, reportVariable } from "./boot-report.js";
import { failureFile, keepFailure } from "./failure-file.js";
import { fetchArtifacts } from "./fetch-artifacts.js";
import { fetchProvision, type Provision } from "./provision.js";
import { refuseWork } from "./refuse-work.js";

/** Where a boot program runs. */
export interface BootOptions {
  /** Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The program's file: packages with native code are looked for beside it. */
  readonly program: string;
  printError(line: string): void;
  /** Ends the workers. */
  readonly signal?: AbortSignal | undefined;
  /** How long instructions are refused after a failed start, without one coming. Default: a minute. */
  readonly refuseMs?: number | undefined;
}

/**
 * Beam's boot program for workers: asks the runner what it needs, fetches the files of the job, and runs the worker file among them, a process for each
 * worker. Resolves to the exit code: 0 when the runner has ended the control connections of all workers or `signal` ended it, 1 otherwise, with the reason on
 * standard error, in the runner's log, in the failure file (BEAM_INDEXEDDB_BOOT_LOG), and as the error of the job. Leaves no process and no file.
 */
export async function boot(args: readonly string[], options: BootOptions): Promise<number> {
  const { env = process.env, signal } = options;
  const report = bootReporter(env[reportVariable]);
  let flags: BootFlags | undefined;
  let provision: Provision | undefined;
  let folder: string | undefined;
  const workers: Workers = { running: [], isServing: false };
  // Told at once: who ends a process may kill it soon after.
  signal?.addEventListener("abort", () => {
    report.send({ ended: true });
  });
  try {
    flags = bootFlags(args);
    report.send({ started: flags.id });
    provision = await fetchProvision(flags, signal);
    folder = await stagingFolder(flags);
    const files = await fetchBundle(flags.id, provision, folder, signal);
    await serve(files, provision, workers, options);
    report.send({ ended: true });
    return 0;
  } catch (error) {
    if (signal?.aborted === true) return 0;
    const text = (error as Error).message;
    const id = flags?.id ?? "(unknown)";
    options.printError(`boot: ${text}`);
    report.send({ failed: text });
    await keepFailure(failureFile(env), id, text);
    if (provision?.logging !== undefined) await logFailure(provision.logging, id, text);
    // A worker that has served is missed by the runner; one that never came has to say so itself.
    if (!workers.isServing) await refuse(error, flags, provision, options);
    return 1;
  } finally {
    await Promise.all(workers.running.map((worker) => worker.stop()));
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    await report.close();
  }
}

/** The environment variable that says how many processes share the work of a worker. Runners may give all of a job's work on a machine to one worker. */
export const processesVariable = "BEAM_INDEXEDDB_WORKER_PROCESSES";

function processesOf(text = ""): number {
  if (text === "") return 1;
  const processes = Number(text);
  if (Number.isInteger(processes) && processes >= 1 && processes <= 1024) return processes;
  throw new SnapshotError(
    "RUNNER_BOOT_FAILED",
    `${processesVariable} is a whole number from 1 to 1024, not ${JSON.stringify(text)}.`,
  );
}

interface Workers {
  readonly running: WorkerProcess[];
  isServing: boolean;
}

async function stagingFolder({ semiPersistDir }: BootFlags): Promise<string> {
  const parent = semiPersistDir === "" ? tmpdir() : semiPersistDir;
  try {
    await mkdir(parent, { recursive: true });
    // Ids of workers come again in other jobs of the same machine, so no folder is named after them.
    return await mkdtemp(join(parent, "beam-indexeddb-job-"));
  } catch (cause) {
    throw new SnapshotError(
      "FILE_NOT_WRITABLE",
      `There can be no folder for the files of the job in ${JSON.stringify(parent)}: ${(cause as Error).message}`,
      { cause, file: parent },
    );
  }
}

interface StagedFiles {
  readonly bundle: string;
  readonly folder: string;
  readonly isAlone: boolean;
}

async function fetchBundle(
  workerId: string,
  { artifacts: address, dependencies }: Provision,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<StagedFiles> {
  const fetched = await fetchArtifacts({ address, workerId, dependencies, folder, signal });
  const bundles = fetched.filter(({ name }) => sha256OfBundle(name) !== undefined);
  const [bundle] = bundles;
  if (bundle && bundles.length === 1) return { bundle: bundle.path, folder, isAlone: fetched.length === 1 };
  const names = fetched.map(({ name }) => name).slice(0, 10);
  const what = bundle ? `${bundles.length} worker files` : "no worker file";
  throw new SnapshotError(
    "RUNNER_BOOT_FAILED",
    `The job has ${what} among its ${fetched.length} files${names.length > 0 ? ` (${names.join(", ")})` : ""}: it has to be submitted by beam-indexeddb, with one beam-indexeddb-worker-<sha256>.mjs.`,
  );
}

/** Resolves when all workers have ended well. */
async function serve(
  { bundle, folder, isAlone }: StagedFiles,
  { workerIds, control, logging }: Provision,
  workers: Workers,
  { env = process.env, program, signal }: BootOptions,
): Promise<void> {
  const modules = { urls: [], names: [] };
  const paths = [env.NODE_PATH ?? "", join(dirname(program), "node_modules")].filter((path) => path !== "");
  const processes = processesOf(env[processesVariable]);
  const options = { env: { ...env, NODE_PATH: paths.join(delimiter) }, signal };
  let waitingFor = workerIds.length;
  let finish: (error: SnapshotError | undefined) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    finish = (error) => {
      if (error) reject(error);
      else if (--waitingFor === 0) resolve();
    };
  });
  ended.catch(() => undefined);
  const starting = workerIds.map(async (id) => {
    const settings = { id, control, logging, modules };
    workers.running.push(await startWorker(bundle, settings, processes, finish, options));
  });
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => {
      reject(new Error("ended by a signal"));
    });
  });
  try {
    await Promise.race([Promise.all(starting), aborted]);
    workers.isServing = true;
    // The workers have loaded it; some runners end a job by killing this process, which could not remove it then.
    if (isAlone) await rm(folder, { recursive: true, force: true });
    await Promise.race([ended, aborted]);
  } finally {
    // Those that are still starting are ended by the caller, once they are there.
    await Promise.allSettled(starting);
  }
}

async function logFailure(address: string, id: string, text: string): Promise<void> {
  const log = openWorkerLog(address, id, () => undefined);
  log.write("CRITICAL", text);
  await log.close();
}

async function refuse(
  error: unknown,
  flags: BootFlags | undefined,
  provision: Provision | undefined,
  { refuseMs = 60_000, signal }: BootOptions,
): Promise<void> {
  const control = provision?.control ?? flags?.controlEndpoint ?? "";
  if (!flags || control === "") return;
  const reason = writeFailure(error);
  const ids = provision?.workerIds ?? [flags.id];
  await Promise.all(ids.map((id) => refuseWork({ id, control, reason, idleMs: refuseMs, signal })));
}
