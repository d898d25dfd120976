/**
 * Beam's TypeScript SDK, made exact. This folder is the only one that imports `apache-beam`; importing it puts every correction in place,
 * for code that imports `apache-beam` itself, too. docs/functions.md tells how functions travel.
 */
export * from "./sdk.js";
export {
  Counter,
  counter,
  CounterFamily,
  counterFamily,
  distribution,
  type DistributionData,
  type Metric,
  type PipelineMetrics,
  readMetrics,
  sumMetrics,
} from "./metrics.js";
export { iterableSideInput, listSideInput, SideInputParam, singletonSideInput } from "./side-inputs.js";
export { asyncParDo, type AsyncDoFn, type AsyncOutput, type AsyncParDoOptions } from "./async-par-do.js";
export { groupGlobally, type GlobalGroup } from "./group-globally.js";
export { create } from "./create.js";
export { type Outputs, type Tagged, taggedOutputs } from "./tagged-outputs.js";
export {
  groupRecordsByKey,
  type GroupRecordsOptions,
  type RecordGroup,
  type RecordGroupKey,
} from "./group-records.js";
export { registerFunctions } from "./registered.js";
export { FunctionNotPortableError } from "./function-check.js";
export { inGlobalWindow } from "./global-window.js";
export { buildPipeline, type BuiltPipeline, type PipelineFunction } from "./build-pipeline.js";
export { directRunner, type PipelineRun, runDirect, type RunOptions } from "./direct-runner.js";
export { failedStep } from "./step-failure.js";
export { atRunEnd } from "./run-end.js";
export { decodeElement, encodeElement, encodeGroupKey } from "./element-codec.js";
import "./function-transport.js";
import "./value-coder.js";
