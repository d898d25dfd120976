import type { PipelineFunction } from "../../beam/index.js";
import { isSnapshotError } from "../../snapshot/index.js";
import { dockerEnvironment } from "../portable/docker-environment.js";
import { isTerminal } from "../portable/job-state.js";
import type { PipelineOptions } from "../portable/pipeline-options.js";
import { defaultJobName } from "../portable/prepare-job.js";
import { type PortableRun, type PortableRunOptions, runPortable } from "../portable/run-portable.js";
import { startDataflowJobService } from "./dataflow-job-service.js";
import type { DataflowOptions } from "./dataflow-options.js";
import { type DataflowJobs, openDataflowJobs } from "./open-dataflow-jobs.js";

/** What a job needs around it. The options have been checked. */
export interface JobServiceSetup {
  readonly options: DataflowOptions;
  readonly workerModules?: readonly string[] | undefined;
  readonly cacheFolder: string;
  readonly jobName?: string | undefined;
  readonly pipelineOptions?: PipelineOptions | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const interruptions: ReadonlySet<string> = new Set(["RUNNER_JOB_CANCELLED", "RUNNER_TIMEOUT"]);

/**
 * Runs a pipeline on Google Cloud Dataflow through the job service of Beam's Python SDK, which is started for the run. The service has no metrics of users, so they
 * are asked for at Dataflow itself.
 * @throws what runPortable throws
 */
export async function runByJobService(
  pipeline: PipelineFunction,
  setup: JobServiceSetup,
  runOptions: PortableRunOptions = {},
): Promise<PortableRun> {
  const { options, cacheFolder, workerModules, signal, timeoutMs, pipelineOptions } = setup;
  const jobName = setup.jobName ?? defaultJobName();
  const jobs = openDataflowJobs(options);
  const run = await runPortable(
    pipeline,
    {
      service: (onProgress) => startDataflowJobService(options, { onProgress, signal, cacheFolder }),
      environment: () => dockerEnvironment({ image: options.sdkContainerImage, workerModules, cacheFolder }),
      jobName,
      pipelineOptions,
      timeoutMs,
      signal,
    },
    // While it runs, there are no counters to tell.
    { onMessage: runOptions.onMessage, onStatus: runOptions.onStatus },
  ).catch(async (error: unknown) => {
    if (isSnapshotError(error) && interruptions.has(error.code)) await cancelLeft(jobs, jobName);
    throw error;
  });
  // The latest is listed first; the name is that of a job that has just ended.
  const job = (await jobs.list()).find((one) => one.jobName === jobName);
  return job ? { ...run, jobId: job.jobId, metrics: await jobs.metrics(job.jobId) } : run;
}

/** The service can't cancel a job that it is just creating, and it has ended when this is called. */
async function cancelLeft(jobs: DataflowJobs, jobName: string): Promise<void> {
  const left = (await jobs.list().catch(() => [])).find(
    (job) => job.jobName === jobName && !isTerminal(job.state) && job.state !== "CANCELLING",
  );
  if (left) await jobs.cancel(left.jobId).catch(() => undefined);
}
