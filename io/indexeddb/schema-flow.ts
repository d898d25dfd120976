import type { PCollection } from "../../beam/index.js";

/**
 * Which schemas belong to a PCollection of records. Records don't carry their database's schema, yet a sink needs it; so a source says where
 * its files' schemas come out, and a sink finds the sources that its input comes from in the pipeline's graph.
 */
const known = new WeakMap<object, Map<string, PCollection<Uint8Array>>>();

/** Notes that `records` are records of databases with these schemas (as `encodeSchema` writes them). */
export function attachSchemas(records: PCollection<unknown>, schemas: PCollection<Uint8Array>): void {
  const { pipeline } = records;
  const attached = known.get(pipeline) ?? new Map<string, PCollection<Uint8Array>>();
  known.set(pipeline, attached);
  attached.set(records.getId(), schemas);
}

/** The schemas of all sources that this PCollection comes from, nearest first; none when it comes from elsewhere. */
export function schemasOf(records: PCollection<unknown>): readonly PCollection<Uint8Array>[] {
  const attached = known.get(records.pipeline);
  if (!attached) return [];
  const { transforms } = records.pipeline.getProto().components!;
  const inputsOf = new Map<string, Set<string>>();
  for (const { inputs, outputs } of Object.values(transforms)) {
    for (const output of Object.values(outputs)) {
      const sources = inputsOf.get(output) ?? new Set<string>();
      inputsOf.set(output, sources);
      for (const input of Object.values(inputs)) if (input !== output) sources.add(input);
    }
  }
  const found = new Set<PCollection<Uint8Array>>();
  const seen = new Set<string>();
  const next = [records.getId()];
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const schemas = attached.get(id);
    if (schemas) found.add(schemas);
    else next.push(...(inputsOf.get(id) ?? []));
  }
  return [...found];
}
