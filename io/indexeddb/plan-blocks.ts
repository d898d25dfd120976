import { type AsyncDoFn, type Counter, registerFunctions, type Tagged } from "../../beam/index.js";
import {
  type BlockInfo,
  encodeSchema,
  type KeyRange,
  SnapshotError,
  type SnapshotReader,
} from "../../snapshot/index.js";
import { type FailedRecord, failedRecord } from "../failed-record.js";
import type { FileMetadata } from "../file/file-system.js";
import { withSnapshot } from "./snapshot-pool.js";

/** Some blocks of one file: what is read in one go. */
export interface BlockTask {
  readonly file: FileMetadata;
  /** Id of the snapshot that was planned: another one may have taken the file's name since. */
  readonly snapshot: string;
  /** Indexes into the reader's `blocks`. */
  readonly blocks: readonly number[];
}

export interface PlanOutputs {
  readonly tasks: BlockTask;
  readonly schemas: Uint8Array;
  readonly failedRecords: FailedRecord;
}

export interface PlanContext {
  readonly blocksSkipped: Counter;
  readonly bytesSkipped: Counter;
  readonly failures: Counter;
}

export interface BlockSelection {
  readonly stores?: readonly string[] | undefined;
  readonly keyRange?: KeyRange | undefined;
  /** Pass over stores that a file does not have. */
  readonly missingStores: "fail" | "ignore";
}

/**
 * A file with many small blocks is read in pieces of this many raw bytes, so that a piece is neither a single record nor a whole file. Its records are in
 * memory together: were they many more than those of a usual block, the garbage collector would copy them again and again.
 */
const taskBytes = 512 << 10;

/** Opens each file's footer and decides which of its blocks must be read: those of other stores or keys are never touched. */
export class PlanBlocks implements AsyncDoFn<FileMetadata, Tagged<PlanOutputs>, PlanContext> {
  readonly beamName = "planBlocks";
  readonly selection: BlockSelection;
  readonly deadLetters: boolean;

  constructor(selection: BlockSelection, deadLetters: boolean) {
    this.selection = selection;
    this.deadLetters = deadLetters;
  }

  async process(file: FileMetadata, context: PlanContext): Promise<readonly Tagged<PlanOutputs>[]> {
    try {
      return await withSnapshot(file, (reader) => Promise.resolve(this.plan(file, reader, context)));
    } catch (error) {
      if (!this.deadLetters || !(error instanceof SnapshotError)) throw error;
      context.failures.increment(1);
      return [{ failedRecords: failedRecord(undefined, error, { file: file.path }) }];
    }
  }

  private plan(file: FileMetadata, reader: SnapshotReader, context: PlanContext): Tagged<PlanOutputs>[] {
    const blocks = new Set(selectBlocks(reader, this.selection, context));
    const tasks = pieces(reader.blocks, blocks).map((numbers) => ({
      tasks: { file, snapshot: reader.summary.id, blocks: numbers },
    }));
    return [{ schemas: encodeSchema(reader.schema) }, ...tasks];
  }
}

/** The blocks that hold what is selected; the others are counted as skipped. */
export function selectBlocks(
  reader: SnapshotReader,
  { stores, keyRange, missingStores }: BlockSelection,
  context: PlanContext,
): readonly BlockInfo[] {
  const known = new Set(reader.schema.objectStores.map(({ name }) => name));
  const wanted = missingStores === "ignore" ? stores?.filter((store) => known.has(store)) : stores;
  const selected = reader.blocksOf({ stores: wanted, keyRange });
  const blocks = new Set(selected);
  for (const block of reader.blocks) {
    if (blocks.has(block)) continue;
    context.blocksSkipped.increment(1);
    context.bytesSkipped.increment(block.storedBytes);
  }
  return selected;
}

function pieces(all: readonly BlockInfo[], wanted: ReadonlySet<BlockInfo>): number[][] {
  const result: number[][] = [];
  let bytes = Infinity;
  all.forEach((block, number) => {
    if (!wanted.has(block)) return;
    if (bytes + block.rawBytes > taskBytes) {
      result.push([]);
      bytes = 0;
    }
    result.at(-1)!.push(number);
    bytes += block.rawBytes;
  });
  return result;
}

registerFunctions("beam-indexeddb/io", { PlanBlocks });
