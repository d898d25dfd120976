import { countGlobally, create, impulse, type Root } from "beam-indexeddb/beam";
import type { PipelineRunner } from "beam-indexeddb/runners";
import { createRunner } from "beam-indexeddb/runners";
import { assertElements } from "beam-indexeddb/testing";
import { findProgram } from "../../runners/service/find-program.js";
import { startPrism } from "../../runners/service/prism.js";
import type { Bench, BenchContext, BenchResult, Figure } from "../bench.js";
import { interleave, median, secondsUntil } from "../interleave.js";
import { rounded } from "../report.js";
import { startFlinkService, workerModules } from "./flink-service.js";

export const startBench: Bench = {
  name: "runners-start",
  title: "what a small job on a started service costs",
  run: measureStart,
};

type Environment = "LOOPBACK" | "PROCESS";
const environments: readonly Environment[] = ["LOOPBACK", "PROCESS"];
/** Seconds beyond the runner's own time. */
const bounds = { LOOPBACK: 2, PROCESS: 4 };

interface Service {
  readonly name: string;
  runner(environmentType: Environment): PipelineRunner;
  stop(): Promise<void>;
}

async function measureStart(context: BenchContext): Promise<BenchResult> {
  const rounds = context.quick ? 1 : 7;
  const rows: string[][] = [];
  const figures: Figure[] = [];
  for (const start of [startOnPrism, startOnFlink]) {
    const service = await start(context);
    if (!service) continue;
    try {
      const contenders = [
        { name: "own", run: () => secondsUntil(() => service.runner("LOOPBACK").run(nothing)) },
        ...environments.map((environment) => ({
          name: environment,
          run: async () => {
            const seconds = await secondsUntil(() => service.runner(environment).run(small));
            context.progress(`${service.name}, ${environment}: ${rounded(seconds)} s`);
            return seconds;
          },
        })),
      ];
      const samples = await interleave(contenders, rounds);
      const own = median(samples.get("own"));
      for (const environment of environments) {
        const seconds = median(samples.get(environment));
        rows.push([service.name, environment, rounded(seconds), rounded(own), rounded(seconds - own)]);
        figures.push({
          what: `${service.name}, ${environment}: a small job, beyond the runner's own time`,
          measured: seconds - own,
          unit: "s",
          target: { atMost: bounds[environment] },
        });
      }
    } finally {
      await service.stop();
    }
  }
  return {
    tables: [
      {
        title: `Seconds of a job of ten elements on a started service, and of a job in which no worker has anything to do (medians of ${rounds})`,
        columns: ["runner", "workers", "the job", "without workers", "difference"],
        rows,
      },
    ],
    figures,
  };
}

function nothing(root: Root): void {
  root.apply(impulse());
}

function small(root: Root): void {
  root
    .apply(create([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    .apply(countGlobally())
    .apply(assertElements([10]));
}

/** The rest is worth measuring where there is no Prism. */
async function startOnPrism(context: BenchContext): Promise<Service | undefined> {
  const program = process.env.BEAM_INDEXEDDB_PRISM ?? "prism";
  try {
    findProgram(program, "");
  } catch {
    context.progress(
      "Prism is not measured: it is not on the PATH, and BEAM_INDEXEDDB_PRISM does not name it.",
    );
    return undefined;
  }
  const service = await startPrism({ prismPath: program, cacheFolder: "" });
  return {
    name: "Prism",
    runner: (environmentType) =>
      createRunner({
        runner: "prism",
        jobEndpoint: service.address,
        workerModules,
        environmentType,
        timeoutMs: 60_000,
      }),
    stop: () => service.stop(),
  };
}

async function startOnFlink(context: BenchContext): Promise<Service> {
  const service = await startFlinkService(context);
  return {
    name: "Flink",
    runner: (environmentType) => service.runner({ environmentType, timeoutMs: 120_000 }),
    stop: () => service.stop(),
  };
}
