import { setTimeout as delay } from "node:timers/promises";
import { type Client } from "@grpc/grpc-js";
import { buildPipeline, type PipelineFunction, type PipelineRun, type RunOptions } from "../../beam/index.js";
import type { runnerApi } from "../../beam/model.js";
import { SnapshotError } from "../../snapshot/index.js";
import { call, connect } from "../grpc/client.js";
import { jobs } from "../grpc/method.js";
import { readFailures } from "../worker/failure-text.js";
import type { WorkerEnvironment } from "./environment.js";
import { followJob } from "./follow-job.js";
import type { MessageListener } from "./follow-messages.js";
import { jobServerError, prepareError } from "./grpc-failure.js";
import { jobFailed } from "./job-error.js";
import { jobMetrics } from "./job-metrics.js";
import type { JobState } from "./job-state.js";
import type { PipelineOptions } from "./pipeline-options.js";
import { prepareJob } from "./prepare-job.js";
import { stageArtifacts } from "./stage-artifacts.js";
import { whenFree } from "./when-free.js";

/** How a run on a job server is watched. */
export interface PortableRunOptions extends RunOptions {
  /** Called with what the runner says about the job, each message once. */
  readonly onMessage?: MessageListener | undefined;
  /** Called with what is being waited for before the job runs: downloads of first use. */
  readonly onStatus?: ((text: string) => void) | undefined;
}

/** A pipeline that has run to its end on a job server. */
export interface PortableRun extends PipelineRun {
  readonly jobId: string;
  readonly state: JobState;
}

/** What a job needs around it. */
export interface PortableSetup {
  /** Finds or starts the job server. */
  service(onStatus: (text: string) => void): Promise<JobServer>;
  environment(): Promise<WorkerEnvironment>;
  readonly jobName?: string | undefined;
  readonly pipelineOptions?: PipelineOptions | undefined;
  /** From the start of the job. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A job server that answers. */
export interface JobServer {
  readonly address: string;
  readonly failure?: Promise<never> | undefined;
  stop(): Promise<void>;
}

/** A job that runs on its own. */
export interface SubmittedJob {
  readonly jobId: string;
  readonly jobEndpoint: string;
}

const progressMs = 1_000;
const callTimeoutMs = 60_000;
/** How long after a job failed the word of its workers' end may come. */
const workerWordMs = 3_000;
/** How long after a worker was lost the word of its job server's end may come. */
const serverWordMs = 2_000;

/**
 * Runs a pipeline on a job server. Resolves when the job is done; whatever happens, what was started for it is stopped, and what its transforms want done at the
 * end is done.
 */
export async function runPortable(
  pipeline: PipelineFunction,
  setup: PortableSetup,
  options: PortableRunOptions = {},
): Promise<PortableRun> {
  const built = await buildPipeline(pipeline);
  let result: PortableRun;
  try {
    result = await withJobServer(setup, options, (server, environment, client) =>
      whenFree(() => runJob(built.proto, setup, options, { server, environment, client }), setup.signal),
    );
  } catch (error) {
    await built.end().catch(() => undefined);
    throw error;
  }
  await built.end();
  return result;
}

/** Starts a job and leaves it to itself. What its transforms want done at the end of the run is left undone: the next run of the same output does it. */
export async function submitPortable(
  pipeline: PipelineFunction,
  setup: PortableSetup,
  options: PortableRunOptions = {},
): Promise<SubmittedJob> {
  const { proto } = await buildPipeline(pipeline);
  return withJobServer(setup, options, async (server, environment, client) => ({
    jobId: await startJob(proto, setup, { server, environment, client }),
    jobEndpoint: server.address,
  }));
}

interface Connections {
  readonly server: JobServer;
  readonly environment: WorkerEnvironment;
  readonly client: Client;
}

async function withJobServer<T>(
  setup: PortableSetup,
  { onStatus }: PortableRunOptions,
  use: (server: JobServer, environment: WorkerEnvironment, client: Client) => Promise<T>,
): Promise<T> {
  const starting = [setup.service((text) => onStatus?.(text)), setup.environment()] as const;
  let client: Client | undefined;
  try {
    const [server, environment] = await Promise.all(starting);
    client = connect(server.address);
    return await use(server, environment, client);
  } catch (error) {
    throw setup.signal?.aborted === true ? cancelled(error) : error;
  } finally {
    client?.close();
    // Workers first: without their runner they would report that they lost it.
    for (const started of [starting[1], starting[0]])
      await started.then((one) => one.stop()).catch(() => undefined);
  }
}

async function startJob(
  proto: runnerApi.Pipeline,
  setup: PortableSetup,
  { server, environment, client }: Connections,
): Promise<string> {
  const { address } = server;
  const { signal } = setup;
  const request = prepareJob(proto, { ...setup, environment });
  const prepared = await call(client, jobs.prepare, request, { signal, timeoutMs: callTimeoutMs }).catch(
    (error: unknown) => {
      throw prepareError(error, address);
    },
  );
  const { preparationId, stagingSessionToken: token, artifactStagingEndpoint } = prepared;
  const stagingAddress = artifactStagingEndpoint?.url ?? "";
  if (stagingAddress !== "") {
    const stagingClient = connect(stagingAddress);
    try {
      await stageArtifacts(stagingClient, token, environment.artifacts, { signal });
    } catch (error) {
      throw jobServerError(error, stagingAddress, "take the files of the job");
    } finally {
      stagingClient.close();
    }
  }
  const { jobId } = await call(
    client,
    jobs.run,
    { preparationId, retrievalToken: token },
    { signal, timeoutMs: callTimeoutMs },
  ).catch((error: unknown) => {
    throw jobServerError(error, address, "start the job");
  });
  return jobId;
}

async function runJob(
  proto: runnerApi.Pipeline,
  setup: PortableSetup,
  options: PortableRunOptions,
  connections: Connections,
): Promise<PortableRun> {
  const { server, environment, client } = connections;
  const failure = firstFailure(server, environment);
  const jobId = await Promise.race([startJob(proto, setup, connections), failure]);
  const stopWatching = watchProgress(client, jobId, options);
  const { state, errors } = await followJob(client, jobId, {
    address: server.address,
    timeoutMs: setup.timeoutMs,
    signal: setup.signal,
    onMessage: options.onMessage,
    failure,
  }).finally(stopWatching);
  if (state === "CANCELLED") throw cancelled(errors.join("\n"));
  if (state !== "DONE" && state !== "DRAINED" && state !== "UPDATED")
    throw await failureOf(errors, environment);
  const metrics = await jobMetrics(client, jobId, { timeoutMs: callTimeoutMs }).catch((error: unknown) => {
    throw jobServerError(error, server.address, `tell the metrics of the job ${jobId}, which is ${state}`);
  });
  return { metrics, jobId, state };
}

/** Why a job failed. That a worker died is known better here than by the runner, which has only lost a connection. */
async function failureOf(errors: readonly string[], { failure }: WorkerEnvironment): Promise<unknown> {
  if (failure && !errors.some((text) => readFailures(text).length > 0)) {
    const told = await Promise.race([
      failure.catch((error: unknown) => error),
      delay(workerWordMs, undefined, { ref: false }),
    ]);
    if (told !== undefined) return told;
  }
  return jobFailed(errors);
}

/** What makes a job impossible. Workers lose a job server that dies, and may be heard first: its end is the cause then. */
function firstFailure(server: JobServer, environment: WorkerEnvironment): Promise<never> {
  const never = new Promise<never>(() => undefined);
  const ofServer = server.failure ?? never;
  const ofWorkers = environment.failure?.catch(async (error: unknown) => {
    if (server.failure) await Promise.race([ofServer, delay(serverWordMs, undefined, { ref: false })]);
    throw error;
  });
  const failure = Promise.race([ofServer, ofWorkers ?? never]);
  failure.catch(() => undefined);
  return failure;
}

/** Asks for the counters every second. Returns what ends it. */
function watchProgress(client: Client, jobId: string, { onProgress }: PortableRunOptions): () => void {
  if (!onProgress) return () => undefined;
  const over = new AbortController();
  let asking = false;
  const timer = setInterval(() => {
    // A server that is slow to answer is not asked twice at once.
    if (asking) return;
    asking = true;
    jobMetrics(client, jobId, { signal: over.signal, timeoutMs: callTimeoutMs })
      .then(
        ({ counters }) => {
          if (!over.signal.aborted) onProgress(counters);
        },
        // Not every server can tell while the job runs; the run itself meets every lasting fault.
        () => undefined,
      )
      .finally(() => {
        asking = false;
      });
  }, progressMs);
  return () => {
    clearInterval(timer);
    over.abort();
  };
}

function cancelled(cause: unknown): SnapshotError {
  if (cause instanceof SnapshotError && cause.code === "RUNNER_JOB_CANCELLED") return cause;
  return new SnapshotError(
    "RUNNER_JOB_CANCELLED",
    "The job was cancelled before its end: run it again to get the whole result.",
    { cause },
  );
}
