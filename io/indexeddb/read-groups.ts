import {
  asyncParDo,
  counter,
  counterFamily,
  create,
  flatten,
  groupGlobally,
  groupRecordsByKey,
  type GroupRecordsOptions,
  P,
  parDo,
  type PCollection,
  type PTransform,
  type RecordGroup,
  reshuffle,
  type Root,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import type { FailedRecord } from "../failed-record.js";
import type { FileMetadata } from "../file/file-system.js";
import { matchAll, validatePattern } from "../file/match.js";
import { printablePath } from "../file/printable-path.js";
import { ExpandGroups, ExpandRecords, type MergeOutputs, MergeRange } from "./merge-range.js";
import {
  type ExtentOutputs,
  PlanExtents,
  PlanRanges,
  rangeLimits,
  type RangeLimits,
  type RangeOutputs,
  type RangeTask,
  type StoreExtent,
} from "./plan-ranges.js";
import type { RecordOf, StoreNamesOf } from "../../snapshot/index.js";
import { checkReadOptions, plainKeyRange, type ReadFromIndexedDBOptions } from "./read.js";
import { attachSchemas } from "./schema-flow.js";

/** Which records are read, what tells groups apart, and what happens with files that can't be read. */
export interface ReadGroupsOptions<Store extends string = string>
  extends ReadFromIndexedDBOptions<Store>, GroupRecordsOptions {}

/**
 * Reads snapshot files and gives the records of each object store and key together: the same groups as `readFromIndexedDB` with
 * `groupRecordsByKey`, but nothing is shuffled and nothing is held. Snapshots are sorted by key, so the keys are cut into ranges at bounds of
 * blocks, and each range is merged as a stream with one block of each file in memory.
 *
 * More than 256 files with one object store are too many to be open at once: then the records of that store are shuffled instead, which on the direct
 * runner holds them in memory. Metrics are those of `readFromIndexedDB`.
 *
 * @param filePattern Path of a file, or a pattern with `*`, `**`, `?`, `[a-z]`, `{a,b}`.
 * @throws TypeError and SnapshotError as `readFromIndexedDB` does
 * @example root.apply(readGroupsFromIndexedDB("devices/*.idbsnap", { byDatabase: true })).apply(mergeGroups({ by: "updatedAt" }));
 */
export function readGroupsFromIndexedDB<Schema = unknown>(
  filePattern: string,
  options: ReadGroupsOptions<StoreNamesOf<Schema>> = {},
): PTransform<Root, PCollection<RecordGroup<RecordOf<NoInfer<Schema>>>>> {
  if (typeof filePattern !== "string" || filePattern === "") {
    throw new TypeError(
      'readGroupsFromIndexedDB: the first argument is the path or pattern of snapshot files, such as "backups/*.idbsnap".',
    );
  }
  checkReadOptions("readGroupsFromIndexedDB", options, ["validate", "byDatabase"]);
  const { validate = true, emptyMatchTreatment = "DISALLOW", byDatabase = false } = options;
  if (typeof byDatabase !== "boolean")
    throw new TypeError(
      `readGroupsFromIndexedDB: byDatabase is true or false, not ${JSON.stringify(byDatabase)}.`,
    );
  if (validate) validatePattern(filePattern, emptyMatchTreatment);
  return withName(
    `readGroupsFromIndexedDB(${printablePath(filePattern)})`,
    (root: Root) =>
      root
        .apply(withName("pattern", create([filePattern])))
        .apply(matchAll({ emptyMatchTreatment }))
        .apply(mergeMatches(options, byDatabase)) as unknown as PCollection<RecordGroup<RecordOf<Schema>>>,
  );
}

/** The same for the files of `matchFiles`. */
export function mergeMatches(
  options: ReadGroupsOptions,
  byDatabase: boolean,
  limits: RangeLimits = rangeLimits,
): PTransform<PCollection<FileMetadata>, PCollection<RecordGroup>> {
  const { stores, missingStores = "fail", errorHandler } = options;
  const keyRange = plainKeyRange(options.keyRange);
  const failures = counter("readFailures");
  const deadLetters = errorHandler !== undefined;
  const selection = { stores: stores && [...stores], keyRange, missingStores };
  const merging = { records: counterFamily("recordsRead"), bytes: counter("bytesRead"), failures };
  const mergeRanges = (name: string) =>
    withName(name, (tasks: PCollection<RangeTask>) => {
      const { groups, failedRecords } = tasks
        .apply(withName("spreadRanges", reshuffle<RangeTask>()))
        .apply(asyncParDo(new MergeRange(keyRange, deadLetters), { concurrency: 1 }, merging))
        .apply(taggedOutputs<MergeOutputs>(["groups", "failedRecords"]));
      return { groups: groups.apply(parDo(new ExpandGroups())), failedRecords };
    });
  return withName("mergeMatches", (files: PCollection<FileMetadata>) => {
    const planned = files
      .apply(withName("spreadFiles", reshuffle<FileMetadata>()))
      .apply(
        asyncParDo(
          new PlanExtents(selection, deadLetters),
          {},
          { blocksSkipped: counter("blocksSkipped"), bytesSkipped: counter("bytesSkipped"), failures },
        ),
      )
      .apply(taggedOutputs<ExtentOutputs>(["extents", "schemas", "failedRecords"]));
    const tasks = planned.extents
      .apply(withName("allExtents", groupGlobally<StoreExtent>()))
      .apply(parDo(new PlanRanges(byDatabase, limits)))
      .apply(taggedOutputs<RangeOutputs>(["ranges", "files"]));
    const merged = tasks.ranges.apply(mergeRanges("merge"));
    const read = tasks.files.apply(mergeRanges("read"));
    const grouped = read.groups.apply(parDo(new ExpandRecords())).apply(groupRecordsByKey({ byDatabase }));
    const groups = P([merged.groups, grouped]).apply(withName("allGroups", flatten<RecordGroup>()));
    errorHandler?.(
      P([planned.failedRecords, merged.failedRecords, read.failedRecords]).apply(
        withName("failedRecords", flatten<FailedRecord>()),
      ),
    );
    attachSchemas(groups, planned.schemas);
    return groups;
  });
}
