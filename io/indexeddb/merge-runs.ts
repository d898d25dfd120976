import { randomUUID } from "node:crypto";
import { type ByteSource, type SnapshotRecord } from "../../snapshot/index.js";
import { fileSystemOf } from "../file/file-system.js";
import { joinPath } from "../file/join-path.js";
import { MergeHeap } from "../merge-heap.js";
import { RecordArena } from "./record-arena.js";
import { compareIdentity } from "./record-order.js";
import { RunReader, RunWriter } from "./run-file.js";
import type { RunSegment } from "./spill-runs.js";

interface Head {
  record: SnapshotRecord;
  readonly reader: RunReader;
}

/** More runs than this are not read at once: each holds a chunk in memory and maybe a file open. */
const maxOpenRuns = 128;
const batchSize = 256;

/**
 * The records of all segments by object store and key, in batches. Memory: a chunk for each of at most 128 segments; more are first merged
 * into longer runs in the temporary folder. Records with equal keys come one after the other, in no particular order.
 */
export async function* mergeRuns(
  segments: readonly RunSegment[],
  tempFolder: string,
): AsyncGenerator<SnapshotRecord[], void, undefined> {
  let left = [...segments];
  while (left.length > maxOpenRuns)
    left = [...left.slice(maxOpenRuns), await joinRuns(left.slice(0, maxOpenRuns), tempFolder)];
  yield* mergeOpen(left);
}

async function joinRuns(segments: readonly RunSegment[], tempFolder: string): Promise<RunSegment> {
  const path = joinPath(tempFolder, `run-${randomUUID()}`);
  const file = await fileSystemOf(path).create(path, { temporary: true });
  const run = new RunWriter(file);
  const arena = new RecordArena();
  try {
    for await (const batch of mergeOpen(segments)) {
      for (const record of batch) {
        const wait = run.add(arena, arena.add(record));
        if (wait) await wait;
      }
      await run.flush();
      arena.reset();
    }
    await file.close();
  } catch (error) {
    await file.abort();
    throw error;
  }
  return { path, bucket: segments[0]!.bucket, offset: 0, length: run.offset };
}

async function* mergeOpen(
  segments: readonly RunSegment[],
): AsyncGenerator<SnapshotRecord[], void, undefined> {
  const files = new Map<string, ByteSource & { close(): Promise<void> }>();
  try {
    const heap = new MergeHeap<Head>((a, b) => compareIdentity(a.record, b.record));
    for (const { path, offset, length } of segments) {
      const file = files.get(path) ?? (await fileSystemOf(path).open(path));
      files.set(path, file);
      const reader = new RunReader(file, offset, length);
      const record = await reader.next();
      if (record) heap.push({ record, reader });
    }
    let batch: SnapshotRecord[] = [];
    for (let first = heap.first; first; first = heap.first) {
      batch.push(first.record);
      const next = first.reader.next();
      const record = next instanceof Promise ? await next : next;
      if (record) {
        first.record = record;
        heap.firstChanged();
      } else {
        heap.removeFirst();
      }
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } finally {
    for (const file of files.values()) await file.close();
  }
}
