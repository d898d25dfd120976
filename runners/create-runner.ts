import { type PipelineFunction, type PipelineRun, runDirect, type RunOptions } from "../beam/index.js";

/** All runners there are. */
export const runnerNames = ["direct"] as const;
/** Name of a runner. */
export type RunnerName = (typeof runnerNames)[number];

/** Which runner, and how. */
export interface RunnerOptions {
  /** Where the pipeline runs. Default "direct": in this process, with nothing but Node. */
  readonly runner?: RunnerName | undefined;
}

/** Runs pipelines. */
export interface PipelineRunner {
  /** Builds and runs a pipeline; resolves when all of it is done. @throws the error of the step that failed */
  run(pipeline: PipelineFunction, options?: RunOptions): Promise<PipelineRun>;
}

/**
 * A runner by name.
 * @throws TypeError for a name that is not known
 * @example await createRunner({ runner: "direct" }).run((root) => root.apply(readFromIndexedDB("a.idbsnap")));
 */
export function createRunner(options: RunnerOptions = {}): PipelineRunner {
  const { runner = "direct" } = options;
  if (!(runnerNames as readonly string[]).includes(runner)) {
    throw new TypeError(
      `There is no runner ${JSON.stringify(runner)}. Use one of: ${runnerNames.join(", ")}.`,
    );
  }
  return { run: runDirect };
}
