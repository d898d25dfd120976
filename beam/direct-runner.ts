/** Beam's direct runner: a whole pipeline in this process, needing nothing but Node. */
import "./node-compatibility.js";
import "apache-beam";
import { OutputTime_Enum, type Pipeline as PipelineProto } from "apache-beam/proto/beam_runner_api";
import { directRunner as stockDirectRunner } from "apache-beam/runners/direct_runner";
import { Runner, type PipelineResult } from "apache-beam/runners/runner";
import { SnapshotError } from "../snapshot/index.js";
import { buildPipeline, type PipelineFunction } from "./build-pipeline.js";
import { type ProgressListener, watchCounters } from "./counter-progress.js";
import { type PipelineMetrics, readMetrics } from "./metrics.js";
import "./operators.js";

/** How a run is watched. */
export interface RunOptions {
  /** Called now and then while the pipeline runs, with the sums of its counters so far by name. */
  readonly onProgress?: ProgressListener | undefined;
}

/** A pipeline that has run to its end. */
export interface PipelineRun {
  readonly metrics: PipelineMetrics;
}

/**
 * Runs a pipeline in this process and resolves when all of it is done.
 *
 * Memory: elements stream through fused steps one at a time. Held in memory are the groups of a GroupByKey (so also of `reshuffle` and
 * `create` with more than one element), side inputs, and all main input of a step that has side inputs.
 *
 * @throws the error of the step that failed, as it was thrown (`failedStep` tells which); SnapshotError RUNNER_UNSUPPORTED_FEATURE for
 * session windows and transforms of other languages; TypeError for misuse while the pipeline is built.
 * @example const { metrics } = await runDirect((root) => root.apply(readFromIndexedDB("backups/*.idbsnap")));
 */
export async function runDirect(pipeline: PipelineFunction, options: RunOptions = {}): Promise<PipelineRun> {
  const stopWatching = options.onProgress && watchCounters(options.onProgress);
  try {
    const result = await directRunner().run(pipeline);
    return { metrics: await readMetrics(result) };
  } finally {
    stopWatching?.();
  }
}

/** The SDK's direct runner with this folder's corrections. */
export function directRunner(): Runner {
  return stockDirectRunner({});
}

interface DirectRunner extends Runner {
  unsupportedFeatures(pipeline: PipelineProto): readonly string[];
}

/** Groups at the time of their earliest element: the operator of this folder knows them, the SDK's did not. */
const earliestOutput = `OutputTime=${OutputTime_Enum.EARLIEST_IN_PANE}`;

const direct = Object.getPrototypeOf(stockDirectRunner({})) as DirectRunner;
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own receiver below
const stockRunPipeline = direct.runPipeline;
direct.runPipeline = async function (this: DirectRunner, pipeline, options): Promise<PipelineResult> {
  const features = this.unsupportedFeatures(pipeline).filter((feature) => feature !== earliestOutput);
  if (features.length > 0) throw unsupported(features);
  return stockRunPipeline.call(this, pipeline, options);
};

// The stock method drops its second argument.
Runner.prototype.runAsync = async function (this: Runner, pipeline, options): Promise<PipelineResult> {
  const { proto, end } = await buildPipeline(pipeline);
  let result: PipelineResult;
  try {
    result = await this.runPipeline(proto, options);
  } catch (error) {
    await end().catch(() => undefined);
    throw error;
  }
  await end();
  return result;
};

function unsupported(features: readonly string[]): SnapshotError {
  const merging = features.some((feature) => feature.startsWith("MergeStatus"));
  const what = merging
    ? "session windows. Use fixedWindows or slidingWindows, or run it on a portable runner (flink, prism)"
    : `${features.join(", ")}. Run it on a portable runner (flink, prism)`;
  return new SnapshotError(
    "RUNNER_UNSUPPORTED_FEATURE",
    `The direct runner can't run this pipeline: it uses ${what}.`,
  );
}
