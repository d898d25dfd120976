import { type AsyncDoFn, type DoFn, registerFunctions, type Tagged } from "../../beam/index.js";
import { type BlockInfo, compareKeyBytes } from "../../snapshot/index.js";
import type { FileMetadata } from "../file/file-system.js";
import { type BlockSelection, type FileOutputs, type PlanContext, planFile } from "./plan-file.js";

/** One file's part in the keys of one object store. */
export interface RangeInput {
  readonly file: FileMetadata;
  /** Id of the snapshot that was planned: another one may have taken the file's name since. */
  readonly snapshot: string;
}

/** A range of one store's keys, in all files that hold some of them. */
export interface RangeTask {
  readonly database: string | undefined;
  readonly store: string;
  /** Key bytes: the first that belongs to the range, and the first behind it; undefined: no bound. */
  readonly from: Uint8Array | undefined;
  readonly to: Uint8Array | undefined;
  readonly inputs: readonly RangeInput[];
}

/** What one file has of one store, and where its blocks begin. */
export interface StoreExtent {
  readonly database: string;
  readonly store: string;
  readonly input: RangeInput;
  readonly largestBlock: number;
  readonly cuts: readonly Cut[];
}

/** A key at which a block begins, and the raw bytes of the file from the cut before it up to there. */
export interface Cut {
  readonly key: Uint8Array;
  readonly bytes: number;
}

export interface ExtentOutputs extends FileOutputs {
  readonly extents: StoreExtent;
}

/** More than so many cuts of one file say no more. */
const maxCuts = 512;
/** What bounds the work and the memory of one range. */
export interface RangeLimits {
  /** A range has at least so many raw bytes, so that the blocks across its bounds, which are read twice, are few. */
  readonly rangeBytes: number;
  /** Above this many inputs a block of each is too much to hold; the records are shuffled instead. */
  readonly maxInputs: number;
}

export const rangeLimits: RangeLimits = { rangeBytes: 16 << 20, maxInputs: 256 };

/** Opens each file's footer and tells which keys it has. */
export class PlanExtents implements AsyncDoFn<FileMetadata, Tagged<ExtentOutputs>, PlanContext> {
  readonly beamName = "planExtents";
  readonly selection: BlockSelection;
  readonly deadLetters: boolean;

  constructor(selection: BlockSelection, deadLetters: boolean) {
    this.selection = selection;
    this.deadLetters = deadLetters;
  }

  process(file: FileMetadata, context: PlanContext): Promise<readonly Tagged<ExtentOutputs>[]> {
    return planFile(file, this, context, (reader, selected) => {
      const input = { file, snapshot: reader.summary.id };
      return [...groupsOf(selected, ({ store }) => store)].map(([store, blocks]) => ({
        extents: {
          database: reader.schema.name,
          store,
          input,
          largestBlock: Math.max(...blocks.map(({ rawBytes }) => rawBytes)),
          cuts: cutsOf(blocks),
        },
      }));
    });
  }
}

function cutsOf(blocks: readonly BlockInfo[]): Cut[] {
  const step = Math.ceil(blocks.length / maxCuts);
  const cuts: Cut[] = [];
  let bytes = 0;
  blocks.forEach(({ firstKey, rawBytes }, i) => {
    if (i > 0 && i % step === 0) {
      cuts.push({ key: firstKey, bytes });
      bytes = 0;
    }
    bytes += rawBytes;
  });
  return cuts;
}

export interface RangeOutputs {
  /** To be merged as they are sorted. */
  readonly ranges: RangeTask;
  /** A file each: too many of one store to be merged at once. */
  readonly files: RangeTask;
}

/** Cuts the keys of each store into ranges of about equal work, at bounds of blocks. */
export class PlanRanges implements DoFn<Iterable<StoreExtent>, Tagged<RangeOutputs>> {
  readonly beamName = "planRanges";
  readonly byDatabase: boolean;
  readonly limits: RangeLimits;

  constructor(byDatabase: boolean, limits: RangeLimits) {
    this.byDatabase = byDatabase;
    this.limits = limits;
  }

  *process(extents: Iterable<StoreExtent>): Generator<Tagged<RangeOutputs>> {
    const groups = groupsOf(extents, ({ database, store }) =>
      JSON.stringify(this.byDatabase ? [store, database] : [store]),
    );
    for (const group of groups.values()) {
      const { database, store } = group[0]!;
      const of = { database: this.byDatabase ? database : undefined, store };
      if (group.length > this.limits.maxInputs) {
        for (const { input } of group)
          yield { files: { ...of, from: undefined, to: undefined, inputs: [input] } };
        continue;
      }
      const inputs = group.map(({ input }) => input);
      const bounds = [undefined, ...boundsOf(group, this.limits.rangeBytes), undefined];
      for (let i = 1; i < bounds.length; i++)
        yield { ranges: { ...of, from: bounds[i - 1], to: bounds[i], inputs } };
    }
  }
}

function boundsOf(extents: readonly StoreExtent[], rangeBytes: number): Uint8Array[] {
  const blocks = extents.reduce((sum, { largestBlock }) => sum + largestBlock, 0);
  const least = Math.max(rangeBytes, blocks * 4);
  const cuts = extents.flatMap((extent) => extent.cuts).sort((a, b) => compareKeyBytes(a.key, b.key));
  const bounds: Uint8Array[] = [];
  let bytes = 0;
  for (const cut of cuts) {
    bytes += cut.bytes;
    const last = bounds.at(-1);
    if (bytes < least || (last && compareKeyBytes(last, cut.key) === 0)) continue;
    // Not the footer that it is a view of, which would travel with each range.
    bounds.push(new Uint8Array(cut.key));
    bytes = 0;
  }
  return bounds;
}

function groupsOf<T>(elements: Iterable<T>, keyOf: (element: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const element of elements) {
    const key = keyOf(element);
    const group = groups.get(key);
    if (group) group.push(element);
    else groups.set(key, [element]);
  }
  return groups;
}

registerFunctions("beam-indexeddb/io", { PlanExtents, PlanRanges });
