/** Side inputs: a whole PCollection at hand in every call of a function. */
import "./node-compatibility.js";
import { iterableSideInput, type PCollection, SideInputParam, singletonSideInput } from "apache-beam";
import { ParamProviderImpl } from "apache-beam/worker/pardo_context";
import { registerFunctions } from "./registered.js";

export { iterableSideInput, SideInputParam, singletonSideInput };

/**
 * All elements of a PCollection as an array, which can be read any number of times. Its order is not defined, it is held in memory on
 * every worker, and all calls see the same array: do not change it.
 * @example notes.map((note, { tags }) => ({ ...note, known: tags.lookup().includes(note.tag) }), { tags: listSideInput(tags) });
 */
export function listSideInput<T>(pcollection: PCollection<T>): SideInputParam<T, Iterable<T>, readonly T[]> {
  return new SideInputParam<T, Iterable<T>, readonly T[]>(pcollection, {
    accessPattern: "beam:side_input:iterable:v1",
    toValue: asArray as (elements: unknown) => readonly T[],
  });
}

function asArray(elements: readonly unknown[]): readonly unknown[] {
  return elements;
}

registerFunctions("beam-indexeddb/beam", { asArray });

// The stock side input is a generator, used up by the first element that reads it. An array can be read again, by all kinds of side inputs.
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own receiver below
const stockPrefetch = ParamProviderImpl.prototype.prefetchSideInput;
ParamProviderImpl.prototype.prefetchSideInput = function (this: ParamProviderImpl, param) {
  const { accessPattern } = param.accessor;
  const toValue = (elements: Iterable<unknown>): unknown => param.accessor.toValue(Array.from(elements));
  const readable = Object.create(param, { accessor: { value: { accessPattern, toValue } } }) as typeof param;
  return stockPrefetch.call(this, readable);
};
