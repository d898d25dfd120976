import { closeSync, openSync, writeSync } from "node:fs";
import { runDirect, withName } from "beam-indexeddb/beam";
import {
  nodePlatform,
  openSnapshot,
  readFromIndexedDB,
  readGroupsFromIndexedDB,
  writeToIndexedDB,
} from "beam-indexeddb/io";
import {
  compareKeyBytes,
  compareVersions,
  type SnapshotRecord,
  SnapshotWriter,
} from "beam-indexeddb/snapshot";
import { mergeGroups } from "beam-indexeddb/transforms";
import { answer } from "../child.js";
import { secondsUntil } from "../interleave.js";
import { currentMemory, peakMemory } from "../peak-memory.js";
import { schema, type Todo } from "./device-files.js";

export interface WayInput {
  readonly way: keyof typeof ways;
  /** Snapshot files to read; a pipeline takes them by a pattern. */
  readonly paths: readonly string[];
  readonly pattern: string;
  /** Path and beginning of the output's name. */
  readonly output: string;
}

export interface WayRun {
  readonly seconds: number;
  /** Bytes of memory at the peak, above those before. */
  readonly memory: number;
}

const ways = { mapDirect, mapByHand, mergeDirect, mergeByHand };

// A process for each run: nothing is compiled yet, as when somebody calls the program.
answer(async (input: WayInput): Promise<WayRun> => {
  const before = currentMemory();
  const seconds = await secondsUntil(() => ways[input.way](input));
  return { seconds, memory: peakMemory() - before };
});

function toggleDone(record: SnapshotRecord<Todo>): SnapshotRecord<Todo> {
  return record.withValue({ ...record.value, done: !record.value.done });
}

async function mapDirect({ pattern, output }: WayInput): Promise<void> {
  await runDirect((root) =>
    root
      .apply(readFromIndexedDB<{ todos: { key: number; value: Todo } }>(pattern))
      .map(
        withName("toggleDone", (record) => record.withValue({ ...record.value, done: !record.value.done })),
      )
      .apply(writeToIndexedDB(output)),
  );
}

async function mapByHand({ paths, output }: WayInput): Promise<void> {
  const { writer, finish } = newFile(output);
  for (const path of paths) {
    await using reader = await openSnapshot(path);
    for await (const records of reader.recordBatches()) {
      for (const record of records) {
        const done = writer.add(toggleDone(record as SnapshotRecord<Todo>));
        if (done) await done;
      }
    }
  }
  await finish();
}

async function mergeDirect({ pattern, output }: WayInput): Promise<void> {
  await runDirect((root) =>
    root
      .apply(readGroupsFromIndexedDB(pattern, { byDatabase: true }))
      .apply(mergeGroups({ by: "updatedAt" }))
      .apply(writeToIndexedDB(output)),
  );
}

async function mergeByHand({ paths, output }: WayInput): Promise<void> {
  const latest = new Map<string, SnapshotRecord>();
  for (const path of paths) {
    await using reader = await openSnapshot(path);
    for await (const records of reader.recordBatches()) {
      for (const record of records) {
        const id = `${record.store}\0${Buffer.from(record.keyBytes).toString("latin1")}`;
        const before = latest.get(id);
        if (!before || compareVersions(record, before, "updatedAt") > 0) latest.set(id, record);
      }
    }
  }
  const { writer, finish } = newFile(output);
  for (const record of [...latest.values()].sort((a, b) => compareKeyBytes(a.keyBytes, b.keyBytes))) {
    const done = writer.add(record);
    if (done) await done;
  }
  await finish();
}

function newFile(output: string) {
  const file = openSync(`${output}.idbsnap`, "w");
  const sink = {
    write(bytes: Uint8Array) {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    },
  };
  const header = { database: schema, origin: { device: "", capturedAt: 0 } };
  const writer = new SnapshotWriter(sink, header, { platform: nodePlatform });
  const finish = async (): Promise<void> => {
    await writer.finish();
    closeSync(file);
  };
  return { writer, finish };
}
