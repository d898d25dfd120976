import type { Counter, Tagged } from "../../beam/index.js";
import {
  type BlockInfo,
  encodeSchema,
  type KeyRange,
  SnapshotError,
  type SnapshotReader,
} from "../../snapshot/index.js";
import { type FailedRecord, failedRecord } from "../failed-record.js";
import type { FileMetadata } from "../file/file-system.js";
import { printablePath } from "../file/printable-path.js";
import { withSnapshot } from "./snapshot-pool.js";

/** What every planner has of a file, beside its plan. */
export interface FileOutputs {
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

/** Which blocks are planned, and whether a file that cannot be read is an output instead of an error. */
export interface FilePlanning {
  readonly selection: BlockSelection;
  readonly deadLetters: boolean;
}

/**
 * Opens a file's footer, chooses the blocks that must be read (those of other stores or keys are never touched) and gives them to `plan`. The outputs are the
 * file's schema and the plan, or with dead letters what is wrong with the file.
 */
export async function planFile<Planned>(
  file: FileMetadata,
  { selection, deadLetters }: FilePlanning,
  context: PlanContext,
  plan: (reader: SnapshotReader, blocks: readonly BlockInfo[]) => readonly Planned[],
): Promise<readonly (Planned | Tagged<FileOutputs>)[]> {
  try {
    return await withSnapshot(file, (reader) => {
      const planned = plan(reader, selectBlocks(reader, selection, context));
      return Promise.resolve([{ schemas: encodeSchema(reader.schema) }, ...planned]);
    });
  } catch (error) {
    if (!deadLetters || !(error instanceof SnapshotError)) throw error;
    context.failures.increment(1);
    return [{ failedRecords: failedRecord(undefined, error, { file: printablePath(file.path) }) }];
  }
}

/** The blocks that hold what is selected; the others are counted as skipped. */
function selectBlocks(
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
