import "./node-compatibility.js";
import { type PCollection } from "apache-beam";
import { type Coder } from "apache-beam/coders/coders";

/** Gives a PCollection that was just made another coder, in place: no step is added. */
export function setCoder<T>(pcollection: PCollection<T>, coder: Coder<unknown>): PCollection<T> {
  const { pipeline } = pcollection;
  pipeline.getProto().components!.pcollections[pcollection.getId()]!.coderId = pipeline.getCoderId(coder);
  return pcollection;
}
