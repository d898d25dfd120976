import {
  type BlockInfo,
  compareKeyBytes,
  type KeyBytesRange,
  positionInRange,
  type SnapshotRecord,
} from "../../snapshot/index.js";
import type { RangeInput, RangeTask } from "./plan-ranges.js";
import { checkSnapshot, type ReadContext } from "./read-blocks.js";
import { type BorrowedSnapshot, borrowSnapshot } from "./snapshot-pool.js";

/** What a cursor needs to know of the range that it goes through. */
export interface CursorScope {
  readonly task: RangeTask;
  /** What the reader was asked for, beside the task's bounds. */
  readonly keyRange: KeyBytesRange | undefined;
  readonly context: ReadContext;
  /** Throws, or takes the error of a block; `owned` is false where another range reports it. */
  onFailure(error: unknown, input: RangeInput, owned: boolean): void;
}

/** Goes through one file's records of a range of keys, a block in memory. */
export class RangeCursor {
  private readonly input: RangeInput;
  private readonly scope: CursorScope;
  private snapshot: BorrowedSnapshot | undefined;
  private blocks: readonly BlockInfo[] = [];
  private nextBlock = 0;
  private records: readonly SnapshotRecord[] = [];
  private at = 0;

  constructor(input: RangeInput, scope: CursorScope) {
    this.input = input;
    this.scope = scope;
  }

  /** Where it is; there is one after each move that returned true. */
  get record(): SnapshotRecord {
    return this.records[this.at]!;
  }

  /** To the next record of the same block. */
  moveInBlock(): boolean {
    return ++this.at < this.records.length;
  }

  /** To the first record of the next block that has any of the range. */
  async moveToBlock(): Promise<boolean> {
    const { input, scope } = this;
    try {
      this.snapshot ??= await this.open();
    } catch (error) {
      scope.onFailure(error, input, scope.task.from === undefined);
      return false;
    }
    while (this.nextBlock < this.blocks.length) {
      const block = this.blocks[this.nextBlock++]!;
      const owned = this.owns(block);
      try {
        this.records = this.within(await this.snapshot.reader.readBlock(block));
      } catch (error) {
        scope.onFailure(this.snapshot.placed(error), input, owned);
        continue;
      }
      if (owned) scope.context.bytes.increment(block.storedBytes);
      scope.context.records.increment(block.store, this.records.length);
      this.at = 0;
      if (this.records.length > 0) return true;
    }
    this.records = [];
    return false;
  }

  private async open(): Promise<BorrowedSnapshot> {
    const { file, snapshot: id } = this.input;
    const snapshot = await borrowSnapshot(file);
    checkSnapshot(snapshot.reader, file, id);
    const { store, from, to } = this.scope.task;
    const { keyRange } = this.scope;
    this.blocks = snapshot.reader.blocks.filter(
      (block) =>
        block.store === store &&
        !(to && compareKeyBytes(block.firstKey, to) >= 0) &&
        !(from && !reaches(block, from)) &&
        !(keyRange && outside(block, keyRange)),
    );
    return snapshot;
  }

  /** A block across a bound is read for both ranges; it counts for the one that its first key is in. */
  private owns({ firstKey }: BlockInfo): boolean {
    const { from } = this.scope.task;
    return !from || compareKeyBytes(firstKey, from) >= 0;
  }

  private within(records: readonly SnapshotRecord[]): readonly SnapshotRecord[] {
    const { from, to } = this.scope.task;
    const { keyRange } = this.scope;
    const first = records[0];
    const last = records.at(-1);
    if (!first || !last) return records;
    const whole =
      !keyRange &&
      !(from && compareKeyBytes(first.keyBytes, from) < 0) &&
      !(to && compareKeyBytes(last.keyBytes, to) >= 0);
    if (whole) return records;
    return records.filter(
      ({ keyBytes }) =>
        !(from && compareKeyBytes(keyBytes, from) < 0) &&
        !(to && compareKeyBytes(keyBytes, to) >= 0) &&
        !(keyRange && positionInRange(keyBytes, keyRange) !== 0),
    );
  }

  async close(): Promise<void> {
    const { snapshot } = this;
    this.snapshot = undefined;
    await snapshot?.giveBack();
  }
}

/** Can the block hold keys from `from` on? A cut last key only says how the last key begins. */
function reaches({ lastKey, lastKeyIsPrefix }: BlockInfo, from: Uint8Array): boolean {
  if (compareKeyBytes(lastKey, from) >= 0) return true;
  return lastKeyIsPrefix && compareKeyBytes(lastKey, from.subarray(0, lastKey.length)) === 0;
}

function outside({ firstKey, lastKey, lastKeyIsPrefix }: BlockInfo, range: KeyBytesRange): boolean {
  if (positionInRange(firstKey, range) > 0) return true;
  return !lastKeyIsPrefix && positionInRange(lastKey, range) < 0;
}
