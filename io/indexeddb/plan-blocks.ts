import { type AsyncDoFn, registerFunctions, type Tagged } from "../../beam/index.js";
import type { BlockInfo } from "../../snapshot/index.js";
import type { FileMetadata } from "../file/file-system.js";
import { type BlockSelection, type FileOutputs, type PlanContext, planFile } from "./plan-file.js";

/** Some blocks of one file: what is read in one go. */
export interface BlockTask {
  readonly file: FileMetadata;
  /** Id of the snapshot that was planned: another one may have taken the file's name since. */
  readonly snapshot: string;
  /** Indexes into the reader's `blocks`. */
  readonly blocks: readonly number[];
}

export interface PlanOutputs extends FileOutputs {
  readonly tasks: BlockTask;
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

  process(file: FileMetadata, context: PlanContext): Promise<readonly Tagged<PlanOutputs>[]> {
    return planFile(file, this, context, (reader, blocks) =>
      pieces(reader.blocks, new Set(blocks)).map((numbers) => ({
        tasks: { file, snapshot: reader.summary.id, blocks: numbers },
      })),
    );
  }
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
