/** Several outputs of one step. */
import "./node-compatibility.js";
import { type PCollection, type PTransform, split } from "apache-beam";

/** An element on its way to one of several outputs: `{ records: record }` or `{ failedRecords: failure }`. */
export type Tagged<OutputsT extends object> = {
  [Tag in keyof OutputsT]: Readonly<Record<Tag, OutputsT[Tag]>>;
}[keyof OutputsT];

/** A PCollection for each tag. */
export type Outputs<OutputsT extends object> = { [Tag in keyof OutputsT]: PCollection<OutputsT[Tag]> };

/**
 * Sends each element `{ tag: value }` to the output of its tag.
 *
 * @throws at run time, a TypeError for an element without exactly one of the tags.
 * @example
 * interface ReadOutputs { records: SnapshotRecord; failedRecords: FailedRecord }
 * const { records, failedRecords } = files
 *   .apply(asyncParDo<string, Tagged<ReadOutputs>>(new ReadFile()))
 *   .apply(taggedOutputs<ReadOutputs>(["records", "failedRecords"]));
 */
export function taggedOutputs<OutputsT extends object>(
  tags: readonly (keyof OutputsT & string)[],
): PTransform<PCollection<Tagged<OutputsT>>, Outputs<OutputsT>> {
  return split([...tags]) as unknown as PTransform<PCollection<Tagged<OutputsT>>, Outputs<OutputsT>>;
}
