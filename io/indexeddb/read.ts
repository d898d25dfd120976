import {
  asyncParDo,
  counter,
  counterFamily,
  create,
  flatten,
  P,
  type PCollection,
  type PTransform,
  reshuffle,
  type Root,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import {
  encodeKeyRange,
  type KeyRange,
  type RecordOf,
  type SnapshotRecord,
  type StoreNamesOf,
} from "../../snapshot/index.js";
import { checkOptionNames } from "../check-options.js";
import type { FailedRecord } from "../failed-record.js";
import type { FileMetadata } from "../file/file-system.js";
import { type EmptyMatchTreatment, emptyMatchTreatments, matchAll, validatePattern } from "../file/match.js";
import { printablePath } from "../file/printable-path.js";
import { type BlockTask, PlanBlocks, type PlanOutputs } from "./plan-blocks.js";
import { ReadBlocks, ReadBlocksOrFail, type ReadContext, type ReadOutputs } from "./read-blocks.js";
import { attachSchemas } from "./schema-flow.js";

/** Which records are read, and what happens with files that can't be. */
export interface ReadAllFromIndexedDBOptions<Store extends string = string> {
  /** Object stores to read, by name; default all. Blocks of other stores are not read. */
  readonly stores?: readonly Store[] | undefined;
  /** Keys to read, in every one of the stores; blocks without such keys are not read. An `IDBKeyRange` fits. */
  readonly keyRange?: KeyRange | undefined;
  /** A store that a file does not have fails the job (default), or is passed over: for fleets with several versions of an app. */
  readonly missingStores?: "fail" | "ignore" | undefined;
  /** What happens when a pattern matches no file. Default "ALLOW_IF_WILDCARD" (`readFromIndexedDB`: "DISALLOW"). */
  readonly emptyMatchTreatment?: EmptyMatchTreatment | undefined;
  /**
   * Takes what can't be read: whole files, or single damaged blocks, as FailedRecord with file, offset and code. Called once, while the
   * pipeline is built. Without it, the first fault fails the job.
   */
  readonly errorHandler?: ((failedRecords: PCollection<FailedRecord>) => void) | undefined;
}

/** As ReadAllFromIndexedDBOptions, for a pattern that is known while the pipeline is built. */
export interface ReadFromIndexedDBOptions<
  Store extends string = string,
> extends ReadAllFromIndexedDBOptions<Store> {
  /** Look for files while the pipeline is built, so that a mistyped path is told at once. Default true. */
  readonly validate?: boolean | undefined;
}

/**
 * Reads snapshot files (.idbsnap) of IndexedDB databases: every record of every file that matches, with its database, object store, key,
 * value and origin, exactly as it was in the browser. Nothing is decoded before somebody looks at a key or value.
 *
 * Large files are read block by block in parallel; `stores` and `keyRange` are pushed down to the blocks. Elements are in the global window
 * at the earliest timestamp; `origin.capturedAt` tells when they were captured. Metrics: `recordsRead/<store>`, `bytesRead`, `blocksSkipped`,
 * `bytesSkipped`, `readFailures`.
 *
 * @typeParam Schema idb's `DBSchema` of the databases: it types the names of the stores and the records (`RecordOf`). A promise of the program; nothing is checked
 *   against it.
 * @param filePattern Path of a file, or a pattern with `*`, `**`, `?`, `[a-z]`, `{a,b}`.
 * @throws TypeError for wrong options and SnapshotError FILE_NO_MATCH while the pipeline is built; while it runs SNAPSHOT_BAD_MAGIC,
 *   SNAPSHOT_TRUNCATED, SNAPSHOT_CHECKSUM_MISMATCH, SNAPSHOT_STORE_UNKNOWN and the other codes of SnapshotReader
 * @example
 * const notes = root.apply(readFromIndexedDB("backups/*.idbsnap", { stores: ["notes"] }));
 */
export function readFromIndexedDB<Schema = unknown>(
  filePattern: string,
  options: ReadFromIndexedDBOptions<StoreNamesOf<Schema>> = {},
): PTransform<Root, PCollection<RecordOf<NoInfer<Schema>>>> {
  if (typeof filePattern !== "string" || filePattern === "") {
    throw new TypeError(
      'readFromIndexedDB: the first argument is the path or pattern of snapshot files, such as "backups/*.idbsnap".',
    );
  }
  checkReadOptions("readFromIndexedDB", options, ["validate"]);
  const { validate = true, emptyMatchTreatment = "DISALLOW", ...rest } = options;
  if (validate) validatePattern(filePattern, emptyMatchTreatment);
  return withName(`readFromIndexedDB(${printablePath(filePattern)})`, (root: Root) =>
    root
      .apply(withName("pattern", create([filePattern])))
      .apply(readAllFromIndexedDB<Schema>({ ...rest, emptyMatchTreatment })),
  );
}

/**
 * As `readFromIndexedDB`, for patterns that are elements: millions of files, or names that only the pipeline knows.
 * @example root.apply(create(["a.idbsnap", "b.idbsnap"])).apply(readAllFromIndexedDB());
 */
export function readAllFromIndexedDB<Schema = unknown>(
  options: ReadAllFromIndexedDBOptions<StoreNamesOf<Schema>> = {},
): PTransform<PCollection<string>, PCollection<RecordOf<NoInfer<Schema>>>> {
  checkReadOptions("readAllFromIndexedDB", options);
  return withName("readAllFromIndexedDB", (patterns: PCollection<string>) =>
    patterns
      .apply(matchAll({ emptyMatchTreatment: options.emptyMatchTreatment }))
      .apply(readMatches<Schema>(options)),
  );
}

/** Reads the files of `matchFiles` or `matchAll`. */
export function readMatches<Schema = unknown>(
  options: ReadAllFromIndexedDBOptions<StoreNamesOf<Schema>> = {},
): PTransform<PCollection<FileMetadata>, PCollection<RecordOf<NoInfer<Schema>>>> {
  checkReadOptions("readMatches", options);
  const { stores, keyRange, missingStores = "fail", errorHandler } = options;
  const range = plainKeyRange(keyRange);
  const failures = counter("readFailures");
  const planning = new PlanBlocks(
    { stores: stores && [...stores], keyRange: range, missingStores },
    errorHandler !== undefined,
  );
  return withName("readMatches", (files: PCollection<FileMetadata>) => {
    const planned = files
      .apply(withName("spreadFiles", reshuffle<FileMetadata>()))
      .apply(
        asyncParDo(
          planning,
          {},
          { blocksSkipped: counter("blocksSkipped"), bytesSkipped: counter("bytesSkipped"), failures },
        ),
      )
      .apply(taggedOutputs<PlanOutputs>(["tasks", "schemas", "failedRecords"]));
    const tasks = planned.tasks.apply(withName("spreadBlocks", reshuffle<BlockTask>()));
    const context = { records: counterFamily("recordsRead"), bytes: counter("bytesRead"), failures };
    const records = errorHandler
      ? orFail(tasks, range, context, planned.failedRecords, errorHandler)
      : tasks.apply(asyncParDo(new ReadBlocks(range), oneAtATime, context));
    attachSchemas(records, planned.schemas);
    return records as unknown as PCollection<RecordOf<Schema>>;
  });
}

/** Local files are read by synchronous calls: pieces side by side would not come sooner, only all be in memory while the first is handed out. */
const oneAtATime = { concurrency: 1 };

function orFail(
  tasks: PCollection<BlockTask>,
  range: KeyRange | undefined,
  context: ReadContext,
  unplanned: PCollection<FailedRecord>,
  errorHandler: (failedRecords: PCollection<FailedRecord>) => void,
): PCollection<SnapshotRecord> {
  const { records, failedRecords } = tasks
    .apply(asyncParDo(new ReadBlocksOrFail(range), oneAtATime, context))
    .apply(taggedOutputs<ReadOutputs>(["records", "failedRecords"]));
  errorHandler(P([unplanned, failedRecords]).apply(withName("failedRecords", flatten<FailedRecord>())));
  return records;
}

/** A range may be an IDBKeyRange: only its four parts travel. */
export function plainKeyRange(keyRange: KeyRange | undefined): KeyRange | undefined {
  return (
    keyRange && {
      lower: keyRange.lower,
      upper: keyRange.upper,
      lowerOpen: keyRange.lowerOpen ?? false,
      upperOpen: keyRange.upperOpen ?? false,
    }
  );
}

const optionNames = ["stores", "keyRange", "missingStores", "emptyMatchTreatment", "errorHandler"];

/** @throws TypeError for options that a source does not have or that have wrong values */
export function checkReadOptions(
  name: string,
  options: ReadFromIndexedDBOptions,
  more: readonly string[] = [],
): void {
  checkOptionNames(name, options, [...optionNames, ...more]);
  const { stores, keyRange, missingStores, emptyMatchTreatment, errorHandler } = options;
  if (
    stores !== undefined &&
    (!Array.isArray(stores) || stores.length === 0 || stores.some((store) => typeof store !== "string"))
  ) {
    throw new TypeError(
      `${name}: stores is a list of object store names, such as ["notes"]; leave it out to read all.`,
    );
  }
  if (keyRange !== undefined) encodeKeyRange(keyRange);
  if (missingStores !== undefined && !["fail", "ignore"].includes(missingStores)) {
    throw new TypeError(
      `${name}: missingStores is "fail" or "ignore", not ${JSON.stringify(missingStores)}.`,
    );
  }
  if (emptyMatchTreatment !== undefined && !emptyMatchTreatments.includes(emptyMatchTreatment)) {
    throw new TypeError(
      `${name}: emptyMatchTreatment is one of ${emptyMatchTreatments.join(", ")}, not ${JSON.stringify(emptyMatchTreatment)}.`,
    );
  }
  if (options.validate !== undefined && typeof options.validate !== "boolean")
    throw new TypeError(`${name}: validate is true or false, not ${JSON.stringify(options.validate)}.`);
  if (errorHandler !== undefined && typeof errorHandler !== "function")
    throw new TypeError(`${name}: errorHandler is a function.`);
}
