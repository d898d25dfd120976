import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openSnapshot } from "beam-indexeddb/io";
import type { Bench, BenchContext, BenchResult, Figure } from "../bench.js";
import { inChild } from "../child.js";
import { interleave, median } from "../interleave.js";
import { rounded } from "../report.js";
import { beamPythonVersion, installBeamPython, runBeamPython } from "./beam-python.js";
import { type DeviceOptions, makeDeviceFiles } from "./device-files.js";
import type { WayInput, WayRun } from "./ways-to-run.js";

export const pipelinesBench: Bench = {
  name: "pipelines",
  title: "pipelines on the direct runner, against loops by hand and Beam Python",
  run: measurePipelines,
};

/** Median seconds of a piece of work, done in three ways. */
interface Comparison {
  readonly work: "map" | "merge";
  readonly records: number;
  readonly direct: number;
  readonly byHand: number;
  /** Undefined where Beam Python is not measured. */
  readonly python: number | undefined;
}

async function measurePipelines(context: BenchContext): Promise<BenchResult> {
  const avro = await hasBeamPython(context);
  const small = context.quick ? 1e4 : 2e5;
  const rounds = context.quick ? 1 : 3;
  const comparisons = [
    await compare(context, "map", rounds, { devices: 1, records: small, avro }),
    await compare(context, "merge", rounds, { devices: 4, records: small / 4, avro }),
  ];
  if (!context.quick) {
    comparisons.push(
      await compare(context, "map", 1, { devices: 1, records: 1e6, avro: false }),
      await compare(context, "merge", 1, { devices: 4, records: 250_000, avro: false }),
    );
  }
  const records = context.quick ? 1e5 : 1e7;
  const memory = await memoryOfMap(context, records);
  return {
    tables: [
      {
        title: `1000 records read a second; each run in a new process, without its start (Beam Python ${beamPythonVersion}, FnApiRunner, Avro files)`,
        columns: [
          "work",
          "records",
          "direct",
          "by hand",
          "direct / by hand",
          "Beam Python",
          "direct / Beam Python",
        ],
        rows: comparisons.map(({ work, records, direct, byHand, python }) => [
          titles[work],
          String(records),
          rounded(records / direct / 1000),
          rounded(records / byHand / 1000),
          `${rounded((byHand / direct) * 100)} %`,
          python === undefined ? "not measured" : rounded(records / python / 1000),
          python === undefined ? "" : `${rounded(python / direct)} x`,
        ]),
      },
      {
        title: "Memory of the direct runner",
        columns: ["work", "records", "s", "memory above start MB"],
        rows: [[titles.map, String(records), rounded(memory.seconds), rounded(memory.memory / 1e6)]],
      },
    ],
    figures: [
      ...comparisons.flatMap(figuresOf),
      {
        what: `${titles.map}, ${records} records: memory above start`,
        measured: memory.memory / 1e6,
        unit: "MB",
        target: { atMost: 300 },
      },
    ],
  };
}

const titles = { map: "read -> map -> write", merge: "read -> merge devices -> write" };

function figuresOf({ work, records, direct, byHand, python }: Comparison): Figure[] {
  const what = `${titles[work]}, ${records} records`;
  const figures: Figure[] = [
    {
      what: `${what}: of the speed of a loop by hand`,
      measured: (byHand / direct) * 100,
      unit: "%",
      target: { atLeast: 60 },
    },
  ];
  if (python !== undefined) {
    figures.push({
      what: `${what}: speed against Beam Python`,
      measured: python / direct,
      unit: "x",
      target: { atLeast: 5 },
    });
  }
  return figures;
}

/** The rest is worth measuring where there is no Python or no network. */
async function hasBeamPython(context: BenchContext): Promise<boolean> {
  try {
    await installBeamPython((text) => context.progress(text));
    return true;
  } catch (error) {
    context.progress(`Beam Python is not measured: ${(error as Error).message}`);
    return false;
  }
}

async function compare(
  context: BenchContext,
  work: "map" | "merge",
  rounds: number,
  options: Omit<DeviceOptions, "folder" | "compression">,
): Promise<Comparison> {
  const records = options.devices * options.records;
  const folder = join(context.folder, `${work}-${records}`);
  await mkdir(folder);
  context.progress(`${work}, ${records} records: making files`);
  await makeDeviceFiles({ ...options, folder, compression: "deflate" });
  const run = (way: WayInput["way"]) => ({
    name: way,
    run: async () => {
      context.progress(`${work}, ${records} records: ${way}`);
      const { seconds } = await runWay(way, folder, options.devices);
      context.progress(`${rounded(seconds)} s`);
      return seconds;
    },
  });
  const contenders = [run(`${work}Direct`), run(`${work}ByHand`)];
  const python = {
    name: "python",
    run: async () => {
      context.progress(`${work}, ${records} records: Beam Python`);
      const seconds = await runBeamPython(work, join(folder, "device-*.avro"), join(folder, "python-out"));
      context.progress(`${rounded(seconds)} s`);
      return seconds;
    },
  };
  const samples = await interleave(options.avro ? [...contenders, python] : contenders, rounds, 0);
  await checkOutputs(work, folder);
  return {
    work,
    records,
    direct: median(samples.get(`${work}Direct`)),
    byHand: median(samples.get(`${work}ByHand`)),
    python: options.avro ? median(samples.get("python")) : undefined,
  };
}

/** Ways that do not give the same number of records have not done the same work. */
async function checkOutputs(work: "map" | "merge", folder: string): Promise<void> {
  await using direct = await openSnapshot(join(folder, `out-${work}Direct-00000-of-00001.idbsnap`));
  await using byHand = await openSnapshot(join(folder, `out-${work}ByHand.idbsnap`));
  const [one, other] = [direct.summary.records, byHand.summary.records];
  if (one !== other || one === 0)
    throw new Error(`The pipeline has written ${one} records, the loop by hand ${other}.`);
}

async function memoryOfMap(context: BenchContext, records: number): Promise<WayRun> {
  const folder = join(context.folder, "memory");
  await mkdir(folder);
  context.progress(`memory, ${records} records: making the file`);
  await makeDeviceFiles({ folder, devices: 1, records, avro: false, compression: "none" });
  context.progress(`memory, ${records} records: map on direct`);
  return runWay("mapDirect", folder, 1);
}

function runWay(way: WayInput["way"], folder: string, devices: number): Promise<WayRun> {
  return inChild<WayRun>(new URL("./ways-to-run.js", import.meta.url), {
    way,
    paths: Array.from({ length: devices }, (_, device) => join(folder, `device-${device}.idbsnap`)),
    pattern: join(folder, "device-*.idbsnap"),
    output: join(folder, `out-${way}`),
  } satisfies WayInput);
}
