import { buildPipeline, type PipelineFunction } from "../../beam/index.js";
import type { runnerApi } from "../../beam/model.js";
import { SnapshotError } from "../../snapshot/index.js";
import type { ArtifactFile } from "../portable/environment.js";
import type { PipelineOptions } from "../portable/pipeline-options.js";
import type { PortableRun, PortableRunOptions, SubmittedJob } from "../portable/run-portable.js";
import { type DataflowApi, dataflowEndpoint, openDataflow } from "./dataflow-api.js";
import { consoleUrlOf, dataflowFailed } from "./dataflow-error.js";
import { metricsOfUsers } from "./dataflow-metrics.js";
import type { DataflowOptions } from "./dataflow-options.js";
import { followDataflow } from "./follow-dataflow.js";
import { parseGcsLocation } from "./gcs-location.js";
import { uploadObject, type UploadSettings } from "./gcs-upload.js";
import type { Authorize } from "./google-auth.js";
import { createHttpClient, passTime, type Wait } from "./http-client.js";
import { interruptionBy, jobCancelled } from "../interruption.js";
import { authorizeFor } from "./open-dataflow-jobs.js";
import { type PreparedJob, prepareDataflowJob, stageJob } from "./stage-job.js";
import { bytesSource } from "./upload-source.js";

/** What a job needs around it. The options have been checked. */
export interface DataflowSetup {
  readonly options: DataflowOptions;
  /** Makes the files that workers need. Called when the pipeline is built: its modules are known then. */
  artifacts(): Promise<readonly ArtifactFile[]>;
  readonly jobName?: string | undefined;
  readonly pipelineOptions?: PipelineOptions | undefined;
  /** From the start of the job. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes a request of an upload, a multiple of 256 KiB. Default 8 MiB. */
  readonly chunkBytes?: number | undefined;
  /** Default: the time really passes. */
  readonly wait?: Wait | undefined;
}

/** A template that was written. No job runs. */
export interface SubmittedTemplate {
  /** Where it lies: `gs://bucket/path`. */
  readonly templateLocation: string;
}

/**
 * Runs a pipeline on Google Cloud Dataflow. Resolves when the job is done.
 * @throws SnapshotError RUNNER_JOB_FAILED with the error of the step as its cause, RUNNER_JOB_CANCELLED, RUNNER_TIMEOUT, and what submitting throws
 */
export async function runDataflow(
  pipeline: PipelineFunction,
  setup: DataflowSetup,
  options: PortableRunOptions = {},
): Promise<PortableRun> {
  if (setup.options.templateLocation !== undefined)
    throw new TypeError("With templateLocation no job runs, so there is nothing to wait for: use submit.");
  const built = await buildPipeline(pipeline);
  const authorizedSetup = authorized(setup);
  let result: PortableRun;
  try {
    const jobId = await start(built.proto, authorizedSetup, options);
    result = await follow(jobId, authorizedSetup, options);
  } catch (error) {
    await built.end().catch(() => undefined);
    throw error;
  }
  await built.end();
  return result;
}

/**
 * Starts a job and leaves it to itself, or writes its template. What the transforms want done at the end of the run is left undone: the next run of the same output
 * does it.
 * @throws SnapshotError RUNNER_PROGRAM_MISSING, RUNNER_SERVICE_FAILED, RUNNER_ENDPOINT_UNREACHABLE, RUNNER_UNSUPPORTED_FEATURE
 */
export async function submitDataflow(
  pipeline: PipelineFunction,
  setup: DataflowSetup,
  options: PortableRunOptions = {},
): Promise<SubmittedJob | SubmittedTemplate> {
  const { templateLocation } = setup.options;
  const { proto } = await buildPipeline(pipeline);
  const authorizedSetup = authorized(setup);
  if (templateLocation === undefined)
    return {
      jobId: await start(proto, authorizedSetup, options),
      jobEndpoint: setup.options.dataflowEndpoint ?? dataflowEndpoint,
    };
  const { job } = await staged(proto, authorizedSetup, options, undefined);
  const source = bytesSource("the template", Buffer.from(JSON.stringify(job, null, 2)));
  await uploadObject(parseGcsLocation(templateLocation)!, source, uploadSettings(authorizedSetup));
  return { templateLocation };
}

/** Credentials are looked for once a run. */
interface Authorized extends DataflowSetup {
  readonly authorize: Authorize;
}

function authorized(setup: DataflowSetup): Authorized {
  return { ...setup, authorize: authorizeFor(setup.options) };
}

async function start(
  proto: runnerApi.Pipeline,
  setup: Authorized,
  runOptions: PortableRunOptions,
): Promise<string> {
  const { signal } = setup;
  try {
    const api = apiOf(setup, signal);
    const { job } = await staged(proto, setup, runOptions, api);
    signal?.throwIfAborted();
    // From here on an interruption has to know the job in order to cancel it.
    const { id } = await apiOf(setup, undefined).create(job);
    const { project = "", region = "" } = setup.options;
    runOptions.onStatus?.(`Dataflow runs the job ${id}: ${consoleUrlOf(project, region, id)}`);
    return id;
  } catch (error) {
    throw signal?.aborted === true && error === signal.reason ? jobCancelled(error) : error;
  }
}

async function staged(
  pipeline: runnerApi.Pipeline,
  setup: Authorized,
  { onStatus }: PortableRunOptions,
  api: DataflowApi | undefined,
): Promise<PreparedJob> {
  const { options, jobName, pipelineOptions } = setup;
  const artifacts = await setup.artifacts();
  const ingredients = { pipeline, artifacts, options, jobName, pipelineOptions };
  let prepared = await prepareDataflowJob(ingredients);
  if (options.update === true && api)
    prepared = await prepareDataflowJob({ ...ingredients, replaceJobId: await jobToReplace(api, jobName!) });
  const total = prepared.uploads.reduce((sum, { source }) => sum + source.length, 0);
  onStatus?.(
    `Uploading ${prepared.uploads.length} files (${(total / 1e6).toFixed(1)} MB) for the job, where they are not there yet`,
  );
  await stageJob(prepared, uploadSettings(setup));
  return prepared;
}

async function jobToReplace(api: DataflowApi, jobName: string): Promise<string> {
  const running = await api.findActive(jobName);
  if (running) return running.id;
  throw new SnapshotError(
    "RUNNER_SERVICE_FAILED",
    `There is no running job with the name ${jobName} that could be updated. Run it without --update, or see the names with: beam-indexeddb job status.`,
  );
}

async function follow(
  jobId: string,
  setup: Authorized,
  { onMessage, onProgress }: PortableRunOptions,
): Promise<PortableRun> {
  const { wait = passTime } = setup;
  const { project = "", region = "" } = setup.options;
  const interruption = interruptionBy(setup.signal, setup.timeoutMs, "more machines with --maxNumWorkers");
  const watching = apiOf(setup, interruption.signal);
  const ending = apiOf(setup, undefined);
  try {
    const { state, errors } = await followDataflow(jobId, {
      watching,
      ending,
      interrupted: interruption.signal,
      wait,
      onMessage,
      onPoll: async () => {
        if (!onProgress) return;
        // Not every job has metrics at once; the run itself meets every lasting fault.
        const updates = await watching.metrics(jobId).catch(() => undefined);
        if (updates && !interruption.signal.aborted) onProgress(metricsOfUsers(updates).counters);
      },
    });
    const url = consoleUrlOf(project, region, jobId);
    if (state === "CANCELLED") throw jobCancelled(errors.join("\n"));
    if (state !== "DONE" && state !== "DRAINED" && state !== "UPDATED") throw dataflowFailed(errors, url);
    return { metrics: metricsOfUsers(await ending.metrics(jobId)), jobId, state };
  } finally {
    interruption.end();
  }
}

function apiOf({ options, authorize, wait }: Authorized, signal: AbortSignal | undefined): DataflowApi {
  const { project = "", region = "", dataflowEndpoint: endpoint } = options;
  const http = createHttpClient({ authorize, signal, wait });
  return openDataflow(http, { project, region, endpoint });
}

function uploadSettings({
  options,
  authorize,
  signal,
  wait = passTime,
  chunkBytes,
}: Authorized): UploadSettings {
  return {
    http: createHttpClient({ authorize, signal, wait }),
    endpoint: options.storageEndpoint,
    chunkBytes,
    wait,
    signal,
  };
}
