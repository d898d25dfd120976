import {
  type AsyncDoFn,
  type DoFn,
  type RecordGroup,
  registerFunctions,
  type Tagged,
} from "../../beam/index.js";
import {
  compareKeyBytes,
  encodeKeyRange,
  type KeyRange,
  SnapshotError,
  type SnapshotRecord,
} from "../../snapshot/index.js";
import { type FailedRecord, failedRecord } from "../failed-record.js";
import { printablePath } from "../file/printable-path.js";
import { MergeHeap } from "../merge-heap.js";
import type { RangeTask } from "./plan-ranges.js";
import { RangeCursor } from "./range-cursor.js";
import type { ReadContext } from "./read-blocks.js";

export interface MergeOutputs {
  readonly groups: readonly RecordGroup[];
  readonly failedRecords: FailedRecord;
}

/** Elements by the hundred: what is asynchronous about a range is its blocks, not each of its records. */
const batchSize = 256;

/**
 * Reads the records of one range of keys from all files that hold some, in the order of their keys, and gives those of one key together.
 * Memory: one block of each file.
 */
export class MergeRange implements AsyncDoFn<RangeTask, Tagged<MergeOutputs>, ReadContext> {
  readonly beamName = "mergeRange";
  readonly keyRange: KeyRange | undefined;
  readonly deadLetters: boolean;

  constructor(keyRange: KeyRange | undefined, deadLetters: boolean) {
    this.keyRange = keyRange;
    this.deadLetters = deadLetters;
  }

  async *process(task: RangeTask, context: ReadContext): AsyncGenerator<Tagged<MergeOutputs>> {
    const failures: FailedRecord[] = [];
    const { deadLetters } = this;
    const scope = {
      task,
      context,
      keyRange: this.keyRange && encodeKeyRange(this.keyRange),
      onFailure(error: unknown, { file }: { file: { path: string } }, owned: boolean) {
        if (!deadLetters || !(error instanceof SnapshotError)) throw error;
        if (!owned) return;
        context.failures.increment(1);
        failures.push(failedRecord(undefined, error, { file: printablePath(file.path) }));
      },
    };
    const cursors = task.inputs.map((input) => new RangeCursor(input, scope));
    try {
      for await (const groups of mergeCursors(cursors, task)) yield { groups };
      for (const failure of failures) yield { failedRecords: failure };
    } finally {
      for (const cursor of cursors) await cursor.close();
    }
  }
}

async function* mergeCursors(
  cursors: readonly RangeCursor[],
  { database, store }: RangeTask,
): AsyncGenerator<RecordGroup[], void, undefined> {
  const heap = new MergeHeap<RangeCursor>((a, b) => compareKeyBytes(a.record.keyBytes, b.record.keyBytes));
  for (const cursor of cursors) if (await cursor.moveToBlock()) heap.push(cursor);
  const of = database === undefined ? { store } : { database, store };
  const groupOf = (records: readonly SnapshotRecord[]): RecordGroup => ({
    key: { ...of, keyBytes: records[0]!.keyBytes },
    records,
  });
  let batch: RecordGroup[] = [];
  let records: SnapshotRecord[] = [];
  for (let first = heap.first; first; first = heap.first) {
    const { record } = first;
    if (records.length > 0 && compareKeyBytes(records[0]!.keyBytes, record.keyBytes) !== 0) {
      batch.push(groupOf(records));
      records = [];
    }
    records.push(record);
    if (first.moveInBlock() || (await first.moveToBlock())) heap.firstChanged();
    else heap.removeFirst();
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (records.length > 0) batch.push(groupOf(records));
  if (batch.length > 0) yield batch;
}

/** The groups of a batch, one by one. */
export class ExpandGroups implements DoFn<readonly RecordGroup[], RecordGroup> {
  readonly beamName = "groups";

  *process(groups: readonly RecordGroup[]): Generator<RecordGroup> {
    yield* groups;
  }
}

/** The records of groups, one by one. */
export class ExpandRecords implements DoFn<RecordGroup, SnapshotRecord> {
  readonly beamName = "records";

  *process({ records }: RecordGroup): Generator<SnapshotRecord> {
    yield* records;
  }
}

registerFunctions("beam-indexeddb/io", { MergeRange, ExpandGroups, ExpandRecords });
