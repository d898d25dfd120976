/** Runs a pipeline on the direct runner and gives the elements of one PCollection, in the order in which they came. */
import {
  type PCollection,
  parDo,
  type PipelineRun,
  registerFunctions,
  type Root,
  runDirect,
  withName,
} from "../../beam/index.js";

const collected = new Map<string, unknown[]>();
let serial = 0;

export class Collect {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }

  *process(element: unknown): Generator {
    collected.get(this.id)!.push(element);
  }
}

registerFunctions("beam-indexeddb/test/collect", { Collect });

export async function collect<T>(build: (root: Root) => PCollection<T>): Promise<T[]> {
  return (await collectRun(build)).elements;
}

export async function collectRun<T>(
  build: (root: Root) => PCollection<T>,
): Promise<PipelineRun & { readonly elements: T[] }> {
  const id = String(serial++);
  collected.set(id, []);
  const run = await runDirect((root) => {
    build(root).apply(withName("collect", parDo(new Collect(id))));
  });
  return { ...run, elements: collected.get(id) as T[] };
}
