import {
  type AsyncDoFn,
  type Counter,
  type CounterFamily,
  registerFunctions,
  type Tagged,
} from "../../beam/index.js";
import {
  encodeKeyRange,
  type KeyBytesRange,
  type KeyRange,
  positionInRange,
  SnapshotError,
  type SnapshotReader,
  type SnapshotRecord,
} from "../../snapshot/index.js";
import { type FailedRecord, failedRecord } from "../failed-record.js";
import type { FileMetadata } from "../file/file-system.js";
import { printablePath } from "../file/printable-path.js";
import type { BlockTask } from "./plan-blocks.js";
import { withSnapshot } from "./snapshot-pool.js";

export interface ReadOutputs {
  readonly records: SnapshotRecord;
  readonly failedRecords: FailedRecord;
}

export interface ReadContext {
  readonly records: CounterFamily;
  readonly bytes: Counter;
  readonly failures: Counter;
}

/** Reads the blocks of a task; their records are views of the inflated blocks and nothing of them is decoded. */
export class ReadBlocks implements AsyncDoFn<BlockTask, SnapshotRecord, ReadContext> {
  readonly beamName = "readBlocks";
  readonly keyRange: KeyRange | undefined;

  constructor(keyRange: KeyRange | undefined) {
    this.keyRange = keyRange;
  }

  process(task: BlockTask, context: ReadContext): Promise<SnapshotRecord[]> {
    return withSnapshot(task.file, (reader) => readTask(reader, task, this.keyRange, context));
  }
}

/** As ReadBlocks, yet a damaged block becomes a dead letter, and the others of its file are read. */
export class ReadBlocksOrFail implements AsyncDoFn<BlockTask, Tagged<ReadOutputs>, ReadContext> {
  readonly beamName = "readBlocks";
  readonly keyRange: KeyRange | undefined;

  constructor(keyRange: KeyRange | undefined) {
    this.keyRange = keyRange;
  }

  async process(task: BlockTask, context: ReadContext): Promise<Tagged<ReadOutputs>[]> {
    const outputs: Tagged<ReadOutputs>[] = [];
    for (const number of task.blocks) {
      try {
        const one = { ...task, blocks: [number] };
        const records = await withSnapshot(task.file, (reader) =>
          readTask(reader, one, this.keyRange, context),
        );
        for (const record of records) outputs.push({ records: record });
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
        context.failures.increment(1);
        outputs.push({
          failedRecords: failedRecord(undefined, error, { file: printablePath(task.file.path) }),
        });
      }
    }
    return outputs;
  }
}

async function readTask(
  reader: SnapshotReader,
  { file, snapshot, blocks }: BlockTask,
  keyRange: KeyRange | undefined,
  context: ReadContext,
): Promise<SnapshotRecord[]> {
  checkSnapshot(reader, file, snapshot);
  const range = keyRange && encodeKeyRange(keyRange);
  const all: SnapshotRecord[] = [];
  for (const number of blocks) {
    const block = reader.blocks[number]!;
    const records = inRange(await reader.readBlock(block), range);
    context.records.increment(block.store, records.length);
    context.bytes.increment(block.storedBytes);
    for (const record of records) all.push(record);
  }
  return all;
}

/** @throws SnapshotError FILE_READ_FAILED when the file is no longer the snapshot that was planned */
export function checkSnapshot(reader: SnapshotReader, file: FileMetadata, snapshot: string): void {
  if (reader.summary.id === snapshot) return;
  const path = printablePath(file.path);
  throw new SnapshotError(
    "FILE_READ_FAILED",
    `${JSON.stringify(path)} was replaced by another snapshot while it was read. Run the pipeline again.`,
    { file: path },
  );
}

function inRange(records: SnapshotRecord[], range: KeyBytesRange | undefined): SnapshotRecord[] {
  return range ? records.filter(({ keyBytes }) => positionInRange(keyBytes, range) === 0) : records;
}

registerFunctions("beam-indexeddb/io", { ReadBlocks, ReadBlocksOrFail });
