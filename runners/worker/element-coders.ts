import type { fnApi } from "../../beam/model.js";

const windowed: readonly string[] = ["beam:coder:windowed_value:v1", "beam:coder:param_windowed_value:v1"];

/**
 * A stage whose PCollections have the coders of their elements. Dataflow names the coder of the windowed element there, where the model has that
 * of the element alone.
 */
export function elementCoders(descriptor: fnApi.ProcessBundleDescriptor): fnApi.ProcessBundleDescriptor {
  for (const pcollection of Object.values(descriptor.pcollections)) {
    const coder = descriptor.coders[pcollection.coderId];
    if (coder?.spec && windowed.includes(coder.spec.urn)) pcollection.coderId = coder.componentCoderIds[0]!;
  }
  return descriptor;
}
