/** A PCollection of given elements. */
import "./node-compatibility.js";
import { parDo, type PCollection, type PTransform, type Root, withName } from "apache-beam";
import { impulse } from "apache-beam/transforms/internal";
import { decodeElement, encodeElement } from "./element-codec.js";
import { registerFunctions } from "./registered.js";
import { reshuffle } from "./reshuffle.js";

/** Emits what it was made with; the elements lie in the pipeline as bytes. */
export class CreateElements {
  readonly encoded: readonly Uint8Array[];

  constructor(elements: readonly unknown[]) {
    this.encoded = elements.map((element) => encodeElement(element));
  }

  *process(): Generator {
    for (const bytes of this.encoded) yield decodeElement(bytes);
  }
}

/**
 * A PCollection of these elements, exactly: everything that an element may be (see `encodeElement`), each a copy taken now.
 *
 * @param shuffle Spread the elements over workers. Default true; false keeps them in order in one place.
 * @throws SnapshotError BEAM_ELEMENT_UNSUPPORTED for functions and instances of unregistered classes.
 * @example root.apply(create([new Date(0), new Uint8Array([1]), 2n ** 64n]));
 */
export function create<T>(elements: readonly T[], shuffle = true): PTransform<Root, PCollection<T>> {
  const source = new CreateElements(elements);
  return withName("create", (root: Root): PCollection<T> => {
    const created = root
      .apply(withName("impulse", impulse()))
      .apply(withName("elements", parDo(source as { process(element: Uint8Array): Iterable<T> })));
    return shuffle && elements.length > 1 ? created.apply(withName("reshuffle", reshuffle<T>())) : created;
  });
}

registerFunctions("beam-indexeddb/beam", { CreateElements });
