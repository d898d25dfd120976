/**
 * The part of Beam's SDK that pipelines are built from, with its types made tight: the published declarations let `apply` return `any`
 * and leave the parameter of a mapped function untyped. The declarations below merge into the SDK's own, so they also hold for code that
 * imports `apache-beam` itself.
 */
import { type PTransform, type PValue } from "apache-beam";

declare module "apache-beam/pvalue" {
  // The type parameter has to repeat the class's own name for the declarations to merge.
  interface PCollection<T> {
    apply<OutputT extends PValue<unknown>>(transform: PTransform<PCollection<T>, OutputT>): OutputT;
    applyAsync<OutputT extends PValue<unknown>>(
      transform: (input: PCollection<T>) => Promise<OutputT>,
    ): Promise<OutputT>;
    map<OutputT>(fn: (element: T) => OutputT): PCollection<OutputT>;
    map<OutputT, ContextT extends object>(
      fn: (element: T, context: ContextT) => OutputT,
      context: ContextT,
    ): PCollection<OutputT>;
    flatMap<OutputT>(fn: (element: T) => Iterable<OutputT>): PCollection<OutputT>;
    flatMap<OutputT, ContextT extends object>(
      fn: (element: T, context: ContextT) => Iterable<OutputT>,
      context: ContextT,
    ): PCollection<OutputT>;
  }
}

export {
  assignTimestamps,
  binaryCombineFn,
  coGroupBy,
  countGlobally,
  countPerElement,
  fixedWindows,
  flatten,
  globalWindows,
  groupBy,
  groupGlobally,
  P,
  paneInfoParam,
  parDo,
  partition,
  PCollection,
  PTransformClass,
  Root,
  sessions,
  slidingWindows,
  timestampParam,
  windowInto,
  windowParam,
  withContext,
  withName,
} from "apache-beam";
export type { CombineFn, DoFn, Instant, KV, PTransform, PValue, Window, WindowedValue } from "apache-beam";
export { count, max, mean, min, sum } from "apache-beam/transforms/combiners";
export { combinePerKey, groupByKey, impulse } from "apache-beam/transforms/internal";
export { reshuffle } from "apache-beam/transforms/utils";
export { Pipeline } from "apache-beam/internal/pipeline";
export { PipelineResult, Runner } from "apache-beam/runners/runner";
