import type { PipelineFunction } from "../../beam/index.js";
import { dockerEnvironment } from "../portable/docker-environment.js";
import type { PipelineOptions } from "../portable/pipeline-options.js";
import { defaultJobName } from "../portable/prepare-job.js";
import { type PortableRun, type PortableRunOptions, runPortable } from "../portable/run-portable.js";
import { startDataflowJobService } from "./dataflow-job-service.js";
import type { DataflowOptions } from "./dataflow-options.js";
import { openDataflowJobs } from "./open-dataflow-jobs.js";

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
  );
  const jobs = openDataflowJobs(options);
  // The latest is listed first; the name is that of a job that has just ended.
  const job = (await jobs.list()).find((one) => one.jobName === jobName);
  return job ? { ...run, jobId: job.jobId, metrics: await jobs.metrics(job.jobId) } : run;
}
