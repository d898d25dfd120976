import { openAsBlob } from "node:fs";
import { join } from "node:path";
import { openSnapshot } from "beam-indexeddb/io";
import type { Bench, BenchContext, BenchResult } from "../bench.js";
import { makeFile, storeName } from "../files/make-file.js";
import { type Contender, interleave, median, secondsUntil } from "../interleave.js";
import { rounded } from "../report.js";
import { bucket, startStorage } from "./storage-server.js";

export const objectStoreBench: Bench = {
  name: "objectStore",
  title: "reading snapshots in an object store (fake-gcs-server on this machine) against local files",
  run: measureObjectStore,
};

/** What is done with a file. */
interface Work {
  readonly name: string;
  readonly run: (path: string, records: number) => Promise<number>;
}

const works: readonly Work[] = [
  { name: "all records, keys and values decoded", run: (path) => readAll(path, true) },
  { name: "all records, nothing decoded", run: (path) => readAll(path, false) },
  { name: "a tenth of the keys", run: (path, records) => readTenth(path, records) },
];

async function measureObjectStore(context: BenchContext): Promise<BenchResult> {
  const records = context.quick ? 1e5 : 1e6;
  const local = join(context.folder, "records.idbsnap");
  context.progress("making the file");
  const bytes = await makeFile({ path: local, records, compression: "deflate" });
  const server = await startStorage();
  try {
    process.env.STORAGE_EMULATOR_HOST = server.endpoint;
    const remote = `gs://${bucket}/records.idbsnap`;
    await server.upload("records.idbsnap", await openAsBlob(local));
    const rows: string[][] = [];
    const ratios: number[] = [];
    for (const { name, run } of works) {
      context.progress(name);
      const contenders: Contender[] = [
        { name: "local", run: () => secondsUntil(() => run(local, records)) },
        { name: "gs://", run: () => secondsUntil(() => run(remote, records)) },
      ];
      const samples = await interleave(contenders, context.quick ? 3 : 9);
      const [here, there] = [median(samples.get("local")), median(samples.get("gs://"))];
      ratios.push(here / there);
      rows.push([name, rounded(here * 1000), rounded(there * 1000), `${rounded((here / there) * 100)} %`]);
    }
    return {
      tables: [
        {
          title: `${records / 1e6} million records, ${rounded(bytes / 1e6)} MB`,
          columns: ["what is read", "local ms", "gs:// ms", "speed of gs://, of local"],
          rows,
        },
      ],
      figures: [
        {
          what: "a whole snapshot read from gs://, of local speed",
          measured: ratios[0]! * 100,
          unit: "%",
          target: { atLeast: 70 },
        },
      ],
    };
  } finally {
    delete process.env.STORAGE_EMULATOR_HOST;
    await server.stop();
  }
}

const sink: { value?: unknown } = {};

async function readAll(path: string, decode: boolean): Promise<number> {
  await using snapshot = await openSnapshot(path);
  let count = 0;
  for await (const batch of snapshot.recordBatches()) {
    count += batch.length;
    if (!decode) continue;
    for (const { key, value } of batch) {
      sink.value = key;
      sink.value = value;
    }
  }
  return count;
}

async function readTenth(path: string, records: number): Promise<number> {
  await using snapshot = await openSnapshot(path);
  const keyRange = { lower: records * 0.4, upper: records * 0.5 };
  let count = 0;
  for await (const batch of snapshot.recordBatches({ stores: [storeName], keyRange })) count += batch.length;
  return count;
}
