/**
 * The part of Beam's SDK that pipelines are built from, with its types made tight: the published declarations let `apply` return `any`
 * and leave the parameter of a mapped function untyped. The declarations below merge into the SDK's own, so they also hold for code that
 * imports `apache-beam` itself.
 */
import "./node-compatibility.js";
import { coGroupBy as stockCoGroupBy, type PCollection, type PTransform, type PValue } from "apache-beam";

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
  countGlobally,
  countPerElement,
  fixedWindows,
  flatten,
  globalWindows,
  groupBy,
  P,
  paneInfoParam,
  parDo,
  partition,
  PCollection,
  PTransformClass,
  Root,
  slidingWindows,
  timestampParam,
  windowInto,
  windowParam,
  withContext,
  withName,
} from "apache-beam";
export { sessions } from "./windows.js";
export type { DoFn, Instant, KV, PTransform, PValue, Window, WindowedValue } from "apache-beam";
export { count, max, mean, min, sum } from "apache-beam/transforms/combiners";
export { combinePerKey, groupByKey, impulse } from "apache-beam/transforms/internal";
export { reshuffle } from "./reshuffle.js";
export { Pipeline } from "apache-beam/internal/pipeline";
export { PipelineResult, Runner } from "apache-beam/runners/runner";

/** How elements of a group become one value, in steps that may run in many places. Synchronous, and its parts order-free. */
export interface CombineFn<InputT, AccumulatorT, OutputT> {
  createAccumulator(): AccumulatorT;
  addInput(accumulator: AccumulatorT, input: InputT): AccumulatorT;
  mergeAccumulators(accumulators: Iterable<AccumulatorT>): AccumulatorT;
  extractOutput(accumulator: AccumulatorT): OutputT;
}

type ElementOf<T> = T extends PCollection<infer Element> ? Element : never;

/** For each key, the elements of every input that have it. */
export interface CoGroup<KeyT, InputsT> {
  readonly key: KeyT;
  readonly values: { readonly [Tag in keyof InputsT]: Iterable<ElementOf<InputsT[Tag]>> };
}

/**
 * Joins PCollections by a key: the name of a property or a function of the element.
 * @example P({ notes, tags }).apply(coGroupBy((x: Note | Tag) => x.noteId));
 */
export function coGroupBy<InputsT extends Record<string, PCollection<unknown>>, KeyT>(
  key: string | ((element: ElementOf<InputsT[keyof InputsT]>) => KeyT),
): PTransform<InputsT, PCollection<CoGroup<KeyT, InputsT>>> {
  return stockCoGroupBy(key as string) as unknown as PTransform<InputsT, PCollection<CoGroup<KeyT, InputsT>>>;
}
