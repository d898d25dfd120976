import { nodePlatform } from "beam-indexeddb/io";
import { SnapshotReader } from "beam-indexeddb/snapshot";
import { answer } from "../child.js";
import { interleave, median, secondsUntil } from "../interleave.js";
import { currentMemory, peakMemory } from "../peak-memory.js";
import { countingSource } from "./counting-source.js";
import { createdAt } from "./file-record.js";
import { type FileOptions, makeFile, storeName } from "./make-file.js";
import { batches, waysToRead } from "./ways-to-read.js";

/** One measurement, in a process of its own: what memory it takes is only known where nothing else was done before. */
export type FileTask =
  | ({ readonly task: "write" } & FileOptions)
  | { readonly task: "memory"; readonly path: string; readonly records: number }
  | { readonly task: "speed"; readonly path: string; readonly records: number }
  | { readonly task: "parts"; readonly path: string; readonly records: number };

export interface Written {
  readonly bytes: number;
  readonly seconds: number;
  /** Bytes of memory at the peak, above those at the start. */
  readonly memory: number;
}

/** Reading a part of a file, from opening it to having the records. */
export interface PartRead {
  readonly what: string;
  readonly seconds: number;
  readonly reads: number;
  readonly bytes: number;
}

answer((input: FileTask) => {
  switch (input.task) {
    case "write":
      return write(input);
    case "memory":
      return memoryToRead(input.path, input.records);
    case "speed":
      return speeds(input.path, input.records);
    case "parts":
      return parts(input.path, input.records);
  }
});

async function write(options: FileOptions): Promise<Written> {
  const before = currentMemory();
  let bytes = 0;
  const seconds = await secondsUntil(async () => (bytes = await makeFile(options)));
  return { bytes, seconds, memory: peakMemory() - before };
}

async function memoryToRead(path: string, records: number): Promise<number> {
  const before = currentMemory();
  check(await waysToRead.find(({ name }) => name === batches)!.run(path), records);
  return peakMemory() - before;
}

/** Median seconds of each way to read the whole file. */
async function speeds(path: string, records: number): Promise<ReadonlyMap<string, number>> {
  const contenders = waysToRead.map((way) => ({
    name: way.name,
    run: () =>
      secondsUntil(async () => {
        const counted = await way.run(path);
        if (way.counts === "records") check(counted, records);
      }),
  }));
  // Ten million records warm everything up within their first tenth, and are a long sample by themselves.
  const samples = records >= 1e7 ? await interleave(contenders, 1, 0) : await interleave(contenders, 5);
  return new Map([...samples].map(([name, seconds]) => [name, median(seconds)]));
}

/** The first repeat is not counted: it compiles the code. Reads and bytes are those of the repeat that needed most. */
async function parts(path: string, records: number): Promise<readonly PartRead[]> {
  const measured = async (
    what: string,
    work: (reader: SnapshotReader, repeat: number) => Promise<void>,
  ): Promise<PartRead> => {
    const runs: PartRead[] = [];
    for (let repeat = 0; repeat < 22; repeat++) {
      const source = countingSource(path);
      const seconds = await secondsUntil(async () => {
        await work(await SnapshotReader.open(source, { platform: nodePlatform }), repeat);
      });
      source.close();
      runs.push({ what, seconds, ...source.counts });
    }
    const most = (pick: (run: PartRead) => number): number => Math.max(...runs.map(pick));
    const seconds = median(runs.slice(1).map((run) => run.seconds));
    return { what, seconds, reads: most((run) => run.reads), bytes: most((run) => run.bytes) };
  };
  /** Anywhere in the file, each repeat somewhere else. */
  const place = (repeat: number): number => Math.floor(((repeat * 0.618) % 1) * records * 0.98);
  const onePercent = Math.floor(records / 100);
  return [
    await measured("open", () => Promise.resolve()),
    await measured("open to the first record", async (reader) => {
      for await (const record of reader.records()) {
        check(record.key as number, 0);
        return;
      }
    }),
    await measured("one key", async (reader, repeat) => {
      const record = await reader.get(storeName, place(repeat));
      check((record?.value as { readonly createdAt: number }).createdAt, createdAt(place(repeat)));
    }),
    await measured("1 % of the keys", async (reader, repeat) => {
      const keyRange = { lower: place(repeat), upper: place(repeat) + onePercent, upperOpen: true };
      let found = 0;
      for await (const batch of reader.recordBatches({ keyRange }))
        for (const record of batch) if (record.value) found++;
      check(found, onePercent);
    }),
  ];
}

function check(found: number, expected: number): void {
  if (found !== expected) throw new Error(`Read ${found} where ${expected} are expected.`);
}
