import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Root } from "beam-indexeddb/beam";
import { openSnapshot, readGroupsFromIndexedDB, writeToIndexedDB } from "beam-indexeddb/io";
import { mergeGroups } from "beam-indexeddb/transforms";
import type { Bench, BenchContext, BenchResult } from "../bench.js";
import { interleave, median, secondsUntil } from "../interleave.js";
import { makeDeviceFiles } from "../pipelines/device-files.js";
import { rounded } from "../report.js";
import { type FlinkService, startFlinkService } from "./flink-service.js";
import { watchWorkers } from "./worker-memory.js";

export const mergeBench: Bench = {
  name: "runners-merge",
  title: "read -> merge devices -> write on Flink: time per record and memory, by size",
  run: measureMerge,
};

const devices = 4;
const parallelism = 2;

interface Size {
  readonly records: number;
  readonly folder: string;
  memory: number;
}

async function measureMerge(context: BenchContext): Promise<BenchResult> {
  const counts = context.quick ? [1e3, 1e4] : [1e5, 1e6, 1e7];
  const sizes: Size[] = [];
  for (const records of [devices, ...counts]) {
    const folder = join(context.folder, String(records));
    await mkdir(folder);
    context.progress(`${records} records: making files`);
    await makeDeviceFiles({ folder, devices, records: records / devices, avro: false, compression: "none" });
    sizes.push({ records, folder, memory: 0 });
  }
  const flink = await startFlinkService(context);
  try {
    const [empty, ...small] = sizes.slice(0, -1);
    const large = sizes.at(-1)!;
    const contender = (size: Size) => ({
      name: String(size.records),
      run: () => mergeOnce(context, flink, size),
    });
    const samples = new Map(
      await interleave([contender(empty!), ...small.map(contender)], context.quick ? 1 : 3),
    );
    samples.set(String(large.records), [await mergeOnce(context, flink, large)]);
    const start = median(samples.get(String(devices)));
    const measured = [...small, large].map(({ records, memory }) => {
      const seconds = median(samples.get(String(records)));
      return { records, seconds, memory, perRecord: ((seconds - start) / records) * 1e6 };
    });
    const times = measured.map(({ perRecord }) => perRecord);
    return {
      tables: [
        {
          title: `${devices} devices, read -> merge devices -> write on Flink inside its job server, ${parallelism} worker processes (a job of ${devices} records takes ${rounded(start)} s, which is taken off)`,
          columns: ["records", "seconds", "microseconds a record", "memory of the largest worker MB"],
          rows: measured.map(({ records, seconds, perRecord, memory }) => [
            String(records),
            rounded(seconds),
            rounded(perRecord),
            rounded(memory / 1e6),
          ]),
        },
      ],
      figures: [
        {
          what: `${large.records} records on Flink: memory of the largest worker process`,
          measured: large.memory / 2 ** 20,
          unit: "MiB",
          target: { atMost: 512 },
        },
        {
          what: "time per record on Flink, the longest against the shortest of the three sizes",
          measured: Math.max(...times) / Math.min(...times),
          unit: "x",
          target: { atMost: 1.3 },
        },
      ],
    };
  } finally {
    await flink.stop();
  }
}

async function mergeOnce(context: BenchContext, flink: FlinkService, size: Size): Promise<number> {
  const output = join(size.folder, "merged");
  const watch = watchWorkers();
  const seconds = await secondsUntil(() => flink.runner({ parallelism }).run(merge(size.folder, output)));
  size.memory = Math.max(size.memory, watch.stop());
  context.progress(`${size.records} records: ${rounded(seconds)} s, ${rounded(size.memory / 1e6)} MB`);
  await checkOutput(output, size.records);
  return seconds;
}

function merge(folder: string, output: string) {
  return (root: Root): void => {
    root
      .apply(readGroupsFromIndexedDB(join(folder, "device-*.idbsnap"), { byDatabase: true }))
      .apply(mergeGroups({ by: "updatedAt" }))
      .apply(writeToIndexedDB(output, { numShards: 1 }));
  };
}

/** Every second record of a device is on all others, too. */
async function checkOutput(output: string, records: number): Promise<void> {
  const file = `${output}-00000-of-00001.idbsnap`;
  {
    await using snapshot = await openSnapshot(file);
    const each = records / devices;
    const expected = Math.ceil(each / 2) + Math.floor(each / 2) * devices;
    if (snapshot.summary.records !== expected)
      throw new Error(`${snapshot.summary.records} records were written, where ${expected} are right.`);
  }
  await rm(file);
}
