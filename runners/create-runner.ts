import { type PipelineFunction, type PipelineRun, runDirect } from "../beam/index.js";
import { runByJobService } from "./dataflow/run-by-job-service.js";
import {
  type DataflowSetup,
  runDataflow,
  submitDataflow,
  type SubmittedTemplate,
} from "./dataflow/run-dataflow.js";
import type { JobState } from "./portable/job-state.js";
import {
  type PortableRunOptions,
  type PortableSetup,
  runPortable,
  type SubmittedJob,
  submitPortable,
} from "./portable/run-portable.js";
import { workerFiles } from "./portable/worker-files.js";
import { workerEnvironment } from "./portable/worker-environment.js";
import { checkRunnerOptions, type RunnerOptions } from "./runner-options.js";
import { defaultCacheFolder } from "./service/cached-folder.js";
import { findJobServer } from "./service/find-job-server.js";

/** How a run is watched. */
export type RunnerRunOptions = PortableRunOptions;

/** A pipeline that has run to its end. */
export interface RunnerRun extends PipelineRun {
  /** Of the job; the direct runner has none. */
  readonly jobId?: string | undefined;
  readonly state?: JobState | undefined;
}

/** Runs pipelines. */
export interface PipelineRunner {
  /**
   * Builds and runs a pipeline; resolves when all of it is done and what was started for it is stopped.
   * @throws on the direct runner the error of the step that failed; on others SnapshotError RUNNER_JOB_FAILED with that error as its cause, or
   * another RUNNER_ code (docs/errors.md)
   */
  run(pipeline: PipelineFunction, options?: RunnerRunOptions): Promise<RunnerRun>;
  /**
   * Starts a job and leaves it to the job server. Only with `jobEndpoint` and workers that stay (environmentType other than LOOPBACK), or on dataflow, where it
   * writes a template in place of that when `templateLocation` is given.
   * @throws TypeError where the job could not go on without this process
   */
  submit(pipeline: PipelineFunction, options?: RunnerRunOptions): Promise<SubmittedJob | SubmittedTemplate>;
}

/**
 * A runner by name. Nothing is started before `run`.
 * @throws TypeError for a name that is not known, and for options that do not fit together
 * @example await createRunner({ runner: "flink" }).run((root) => root.apply(readFromIndexedDB("a.idbsnap")));
 */
export function createRunner(options: RunnerOptions = {}): PipelineRunner {
  checkRunnerOptions(options);
  if ((options.runner ?? "direct") === "direct") {
    return {
      run: runDirect,
      submit: () =>
        Promise.reject(new TypeError("The direct runner has no jobs that go on without it: use run.")),
    };
  }
  if (options.runner === "dataflow" && options.dataflowJobService === true) {
    const { cacheFolder = defaultCacheFolder() } = options;
    return {
      run: (pipeline, runOptions) =>
        runByJobService(pipeline, { ...options, options, cacheFolder }, runOptions),
      submit: () =>
        Promise.reject(
          new TypeError(
            "With dataflowJobService the job service ends with this process: leave it out for a job that is to go on alone.",
          ),
        ),
    };
  }
  if (options.runner === "dataflow") {
    const setup = dataflowSetupOf(options);
    return {
      run: (pipeline, runOptions) => runDataflow(pipeline, setup, runOptions),
      submit: (pipeline, runOptions) => submitDataflow(pipeline, setup, runOptions),
    };
  }
  return {
    run: (pipeline, runOptions) => runPortable(pipeline, setupOf(options), runOptions),
    submit: async (pipeline, runOptions) => {
      if (options.jobEndpoint === undefined)
        throw new TypeError(
          "A job goes on without this process only on a job server that runs already: name it with jobEndpoint.",
        );
      if ((options.environmentType ?? "LOOPBACK") === "LOOPBACK")
        throw new TypeError(
          "Workers of the environmentType LOOPBACK end with this process: choose another one for a job that is to go on without it.",
        );
      return submitPortable(pipeline, setupOf(options), runOptions);
    },
  };
}

function setupOf(options: RunnerOptions): PortableSetup {
  const { jobName, parallelism = 1, timeoutMs, signal } = options;
  return {
    service: (onStatus) => findJobServer(options, onStatus),
    environment: () => workerEnvironment(options),
    jobName,
    // Spark starts workers anew for every stage otherwise: a quarter of the time of small jobs is left.
    pipelineOptions: { parallelism, environmentCacheMillis: 60_000, ...options.pipelineOptions },
    timeoutMs,
    signal,
  };
}

function dataflowSetupOf(options: RunnerOptions): DataflowSetup {
  const { jobName, timeoutMs, signal, pipelineOptions, cacheFolder = defaultCacheFolder() } = options;
  return {
    options,
    artifacts: () => workerFiles(options.workerModules, cacheFolder),
    jobName,
    pipelineOptions,
    timeoutMs,
    signal,
  };
}
