import { type Coder } from "apache-beam/coders/coders";
import { KVCoder } from "apache-beam/coders/required_coders";
import { groupByKey, withCoderInternal } from "apache-beam/transforms/internal";
import { countPerElement, create, groupRecordsByKey, type KV, parDo, type Root } from "beam-indexeddb/beam";
import { assertElements } from "beam-indexeddb/testing";
import type { Bench, BenchContext, BenchResult } from "../bench.js";
import { interleave, median, secondsUntil } from "../interleave.js";
import { rounded } from "../report.js";
import { startFlinkService } from "./flink-service.js";
import { StockCoder } from "./stock-coder.js";
import { EmitObjects, EmitRecords, type Grouping, sizeOfObjects, sizeOfRecords } from "./worker-steps.js";

export const groupingBench: Bench = {
  name: "runners-grouping",
  title: "GroupByKey of records on Flink, against objects on the SDK's default coder",
  run: measureGrouping,
};

async function measureGrouping(context: BenchContext): Promise<BenchResult> {
  const grouping: Grouping = context.quick ? { elements: 2e4, keys: 5e3 } : { elements: 1e6, keys: 250_000 };
  const flink = await startFlinkService(context);
  try {
    const contender = (name: string, pipeline: (root: Root) => void) => ({
      name,
      run: async () => {
        const seconds = await secondsUntil(() => flink.runner({ parallelism: 1 }).run(pipeline));
        context.progress(`${name}: ${rounded(seconds)} s`);
        return seconds;
      },
    });
    const samples = await interleave(
      [
        contender("nothing", groupRecords({ elements: 1, keys: 1 })),
        contender("records", groupRecords(grouping)),
        contender("objects", groupObjects(grouping)),
      ],
      context.quick ? 1 : 5,
    );
    const start = median(samples.get("nothing"));
    const records = median(samples.get("records"));
    const objects = median(samples.get("objects"));
    const row = (name: string, seconds: number): string[] => [
      name,
      rounded(seconds),
      rounded(((seconds - start) / grouping.elements) * 1e6),
    ];
    return {
      tables: [
        {
          title: `GroupByKey of ${grouping.elements} elements with ${grouping.keys} keys on Flink, one worker process (ours for both): seconds of whole jobs, and microseconds an element without the time of a job of one element`,
          columns: ["elements", "seconds", "microseconds"],
          rows: [
            ["one record", rounded(start), ""],
            row("records of beam-indexeddb", records),
            row("the same content as objects, the SDK's default coder", objects),
          ],
        },
      ],
      figures: [
        {
          what: "GroupByKey of records, against objects on the SDK's default coder: whole jobs",
          measured: objects / records,
          unit: "x",
          target: { atLeast: 2 },
        },
        {
          what: "GroupByKey of records, against objects on the SDK's default coder: without the time of a job of one element",
          measured: (objects - start) / (records - start),
          unit: "x",
        },
      ],
    };
  } finally {
    await flink.stop();
  }
}

function groupRecords(grouping: Grouping) {
  return (root: Root): void => {
    root
      .apply(create([0]))
      .apply(parDo(new EmitRecords(grouping)))
      .apply(groupRecordsByKey())
      .map(sizeOfRecords)
      .apply(countPerElement())
      .apply(assertElements(expected(grouping)));
  };
}

function groupObjects(grouping: Grouping) {
  return (root: Root): void => {
    root
      .apply(create([0]))
      .apply(parDo(new EmitObjects(grouping)))
      .apply(withCoderInternal(new KVCoder(new StockCoder(), new StockCoder()) as Coder<KV<string, object>>))
      .apply(groupByKey<string, object>())
      .map(sizeOfObjects)
      .apply(countPerElement())
      .apply(assertElements(expected(grouping)));
  };
}

/** All groups have the same size. */
function expected({ elements, keys }: Grouping) {
  return [{ element: elements / keys, count: keys }];
}
