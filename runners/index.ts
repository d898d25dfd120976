/** Where pipelines run. */
export { createRunner, type PipelineRunner, type RunnerRun, type RunnerRunOptions } from "./create-runner.js";
export {
  type EnvironmentType,
  environmentTypes,
  type RunnerName,
  runnerNames,
  type RunnerOptions,
} from "./runner-options.js";
export {
  type AutoscalingAlgorithm,
  autoscalingAlgorithms,
  type DataflowOptions,
} from "./dataflow/dataflow-options.js";
export { type DataflowPlace } from "./dataflow/check-dataflow-options.js";
export { type DataflowJobs, openDataflowJobs } from "./dataflow/open-dataflow-jobs.js";
export { type SubmittedTemplate } from "./dataflow/run-dataflow.js";
export { type JobInfo, type Jobs, openJobs } from "./portable/open-jobs.js";
export { type JobMessage } from "./portable/follow-messages.js";
export { type JobState } from "./portable/job-state.js";
export { type PipelineOptions, type PipelineOptionValue } from "./portable/pipeline-options.js";
export { type SubmittedJob } from "./portable/run-portable.js";
export { startWorkerPool, type WorkerPool, type WorkerPoolOptions } from "./worker/worker-pool.js";
export { type WorkerModules, workerModules } from "./worker/worker-modules.js";
export { type PipelineFunction, type PipelineRun, type RunOptions } from "../beam/index.js";
