/** What is done at the end of a run, whether it succeeded or not. */
import "./node-compatibility.js";
import { type PCollection } from "apache-beam";

type Action = () => Promise<void>;

const actions = new WeakMap<object, Action[]>();

/**
 * Has an action done in the process that runs the pipeline, once the run has ended in any way: a sink removes its temporary files there. It must
 * do no harm when everything is done already. An error of the action does not hide the run's own.
 */
export function atRunEnd(pcollection: PCollection<unknown>, action: Action): void {
  const { pipeline } = pcollection;
  const known = actions.get(pipeline);
  if (known) known.push(action);
  else actions.set(pipeline, [action]);
}

export async function doRunEndActions(pipeline: object): Promise<void> {
  const results = await Promise.allSettled((actions.get(pipeline) ?? []).map((action) => action()));
  actions.delete(pipeline);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
