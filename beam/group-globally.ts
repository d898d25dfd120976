/** All elements as one group. Without a combiner the SDK gives null here: it looks for a pair where there is an object. */
import "./node-compatibility.js";
import {
  groupBy,
  GroupGlobally,
  groupGlobally as stockGroupGlobally,
  type PCollection,
  type PTransform,
  type PTransformClass,
} from "apache-beam";
import { registerFunctions } from "./registered.js";
import { type CombineFn } from "./sdk.js";

/** All elements of a PCollection as one group, to be combined. */
export interface GlobalGroup<T> extends PTransformClass<PCollection<T>, PCollection<Iterable<T>>> {
  /** The combined value of all elements, as `{ [resultName]: value }`. */
  combining<InputT, AccumulatorT>(
    expression: string | ((element: T) => InputT),
    combiner: CombineFn<InputT, AccumulatorT, unknown> | ((a: InputT, b: InputT) => InputT),
    resultName: string,
  ): PTransform<PCollection<T>, PCollection<Readonly<Record<string, unknown>>>>;
}

/**
 * Groups all elements of a PCollection in one place, in memory. An empty PCollection has no group, here as in every grouping of Beam.
 * @example sizes.apply(groupGlobally<number>().combining((size) => size, max, "largest"));
 */
export function groupGlobally<T>(): GlobalGroup<T> {
  return stockGroupGlobally<T>() as unknown as GlobalGroup<T>;
}

function sameKey(): null {
  return null;
}

function elementsOf<T>(group: { readonly value: Iterable<T> }): Iterable<T> {
  return group.value;
}

registerFunctions("beam-indexeddb/beam", { sameKey, elementsOf });

GroupGlobally.prototype.expand = function (input: PCollection<unknown>): PCollection<Iterable<unknown>> {
  return input.apply(groupBy(sameKey)).map(elementsOf);
};
