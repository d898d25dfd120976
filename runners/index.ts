/** Where pipelines run. */
export {
  createRunner,
  type PipelineRunner,
  type RunnerName,
  runnerNames,
  type RunnerOptions,
} from "./create-runner.js";
export { type PipelineFunction, type PipelineRun, type RunOptions } from "../beam/index.js";
