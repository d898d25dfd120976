import { countGlobally, create, parDo, reshuffle, type Root, withName } from "beam-indexeddb/beam";
import { assertElements } from "beam-indexeddb/testing";
import type { Bench, BenchContext, BenchResult } from "../bench.js";
import { secondsUntil } from "../interleave.js";
import { rounded } from "../report.js";
import { startFlinkService } from "./flink-service.js";
import { EmitNumbers, Hash } from "./worker-steps.js";

export const scalingBench: Bench = {
  name: "runners-scaling",
  title: "a CPU-bound pipeline on Flink with two worker processes, against one",
  run: measureScaling,
};

/** About 60 microseconds. */
const hashRounds = 60_000;

async function measureScaling(context: BenchContext): Promise<BenchResult> {
  const elements = context.quick ? 2e4 : 1e6;
  const rounds = context.quick ? 1 : 10;
  const flink = await startFlinkService(context);
  try {
    const run = async (parallelism: number): Promise<number> => {
      const seconds = await secondsUntil(() => flink.runner({ parallelism }).run(hashing(elements)));
      context.progress(`${parallelism} process${parallelism > 1 ? "es" : ""}: ${rounded(seconds)} s`);
      return seconds;
    };
    const rows: string[][] = [];
    const ratios: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      // Each pair in another order: a machine that is busy for a while slows both.
      const order = round % 2 === 1 ? [1, 2] : [2, 1];
      const seconds = new Map<number, number>();
      for (const parallelism of order) seconds.set(parallelism, await run(parallelism));
      const ratio = seconds.get(1)! / seconds.get(2)!;
      ratios.push(ratio);
      rows.push([String(round), rounded(seconds.get(1)!), rounded(seconds.get(2)!), `${rounded(ratio)} x`]);
    }
    return {
      tables: [
        {
          title: `${elements} elements, about 60 microseconds of work each, on Flink inside its job server; seconds of whole jobs`,
          columns: ["round", "one process", "two processes", "faster"],
          rows,
        },
      ],
      figures: [
        {
          what: `two worker processes against one, the worst of ${rounds} rounds`,
          measured: Math.min(...ratios),
          unit: "x",
          target: { atLeast: 1.6 },
        },
      ],
    };
  } finally {
    await flink.stop();
  }
}

function hashing(elements: number) {
  const sources = 100;
  return (root: Root): void => {
    root
      .apply(create(Array.from({ length: sources }, (_, source) => source)))
      .apply(parDo(new EmitNumbers(elements / sources)))
      .apply(reshuffle())
      .apply(withName("hash", parDo(new Hash(hashRounds))))
      .apply(countGlobally())
      .apply(assertElements([elements]));
  };
}
