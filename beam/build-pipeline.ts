/** From a function of a root to a pipeline as the model has it. */
import "./node-compatibility.js";
import { type PValue, type Root } from "apache-beam";
import { Pipeline } from "apache-beam/internal/pipeline";
import { type Pipeline as PipelineProto } from "apache-beam/proto/beam_runner_api";
import { Root as RootClass } from "apache-beam/pvalue";
import { doRunEndActions } from "./run-end.js";

/** A function that applies transforms to the root of a pipeline; what it returns is not looked at. */
export type PipelineFunction = (root: Root) => PValue<unknown> | Promise<PValue<unknown>>;

/** A pipeline that is ready to be run once. */
export interface BuiltPipeline {
  readonly proto: PipelineProto;
  /** What its transforms want done when the run is over, however it ended. To be called once. @throws the first error of them */
  readonly end: () => Promise<void>;
}

/**
 * Builds a pipeline.
 * @throws what the function throws; what it had begun is ended before
 */
export async function buildPipeline(pipeline: PipelineFunction): Promise<BuiltPipeline> {
  const built = new Pipeline();
  const end = (): Promise<void> => doRunEndActions(built);
  try {
    await pipeline(new RootClass(built));
    return { proto: built.getProto(), end };
  } catch (error) {
    await end().catch(() => undefined);
    throw error;
  }
}
