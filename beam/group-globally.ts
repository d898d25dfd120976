/** Corrects `groupGlobally()` without a combiner, which gives null in the SDK: it looks for a pair where there is an object. */
import { groupBy, GroupGlobally, type PCollection } from "apache-beam";
import { registerFunctions } from "./registered.js";

function sameKey(): null {
  return null;
}

function elementsOf<T>(group: { readonly value: Iterable<T> }): Iterable<T> {
  return group.value;
}

registerFunctions("beam-indexeddb/beam", { sameKey, elementsOf });

// An empty PCollection has no group, here as in every grouping of Beam.
GroupGlobally.prototype.expand = function (input: PCollection<unknown>): PCollection<Iterable<unknown>> {
  return input.apply(groupBy(sameKey)).map(elementsOf);
};
