import {
  asyncParDo,
  counter,
  counterFamily,
  groupBy,
  type PCollection,
  type PTransform,
  registerFunctions,
  singletonSideInput,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { objectPrefix } from "../file/object-store/object-place.js";
import { tempFolderFor } from "../file/temp-folder.js";
import { countShardKinds } from "../record-files/count-shard-kinds.js";
import { sortByStore } from "../record-files/sort-by-store.js";
import {
  type FinishedRecordFile,
  type RecordFileOutputs,
  WriteRecordShards,
} from "../record-files/write-record-shards.js";
import type { TableCounts } from "../table/table-counts.js";
import {
  checkOneOf,
  checkWholeNumber,
  tableSettings,
  type WriteToTablesOptions,
} from "../table/table-options.js";
import { kindOfValue } from "../table/value-kind.js";
import type { WriteToTablesResult } from "../table/write-to-tables.js";
import { type BigQueryDataset, type BigQueryPlace, checkDataset } from "./bigquery-place.js";
import { CloseStaging, LoadFiles, PrepareTables } from "./load-steps.js";
import type { PreparedTable, SchemaUpdate } from "./prepare-tables.js";
import { StagedFormat } from "./staged-format.js";
import { bigqueryColumns, hasRoomFor } from "./table-schema.js";

/** Tables, columns, versions, deletions, and how they are loaded; every option but `staging` has a default. */
export interface WriteToBigQueryOptions extends Omit<
  WriteToTablesOptions,
  "children" | "batchRows" | "loadId"
> {
  /** Folder on Cloud Storage for the files that are loaded, `gs://bucket/folder/`, in a location that BigQuery can load from into the dataset's. Required. */
  readonly staging: string;
  /** Name of this run in `_load_id`. Default: a name made of the records themselves, so that a rerun is the same load. */
  readonly loadId?: string;
  /**
   * `evolve`: tables get columns for new properties, and whole numbers become FLOAT64 where fractions come. `freeze`: tables that exist stay as they are, and records that do not fit them fail
   * the job. Default `evolve`.
   */
  readonly schemaUpdate?: SchemaUpdate;
  /** Bytes of keys and values in a file. Default 256 MiB; the number of files a table is a power of two up to 64. */
  readonly maxBytesPerShard?: number;
  /** Memory for sorting, a bundle; what is more goes to temporary files in the staging folder. Bytes, default 64 MiB, at least 1 KiB. */
  readonly memoryBytes?: number;
  /** How often a request or job is tried that fails for a reason that may pass. Default 8, half a minute at most a request. */
  readonly maxAttempts?: number;
}

/**
 * Writes each object store into a table of a BigQuery dataset, one row per key: records become Parquet files on Cloud Storage, a load job brings those into a staging table, a MERGE
 * statement from there into the table.
 *
 * Required: the dataset, which has to exist, and `staging`. The package `google-auth-library` 10 has to be installed where the workers run; credentials are Google's application default
 * ones. Not yet tried on the real service: see docs/io-bigquery.md.
 *
 * - **Columns.** Each property has a column of its type (BOOL, INT64, FLOAT64, STRING, TIMESTAMP, BYTES); a value of another type than most has its place in
 *   `<property>__v_json`, what no column type holds is tagged JSON (`fromTaggedJson` reads it) in a STRING. Those are BigInts beyond 64 bits, texts with NUL or lone surrogates, NaN, Dates
 *   outside the years 1 to 9999. NULL means null, undefined or missing. Names keep ASCII letters, digits and underscores.
 * - **Exactly once in effect.** A row is only replaced by a newer version of its record, so replays, duplicates and late redeliveries change nothing, in any order. A table gets all its rows by one
 *   statement, or none. A run that was killed goes on when it is run again: jobs that did their work are not run again, and a run with the records, options and columns of one that is done costs
 *   nothing and reports what that one did. Rows that somebody deletes by hand come back with another `loadId`.
 * - **Evolution.** A later run adds columns for new properties and keeps those that are there; see `schemaUpdate`.
 *
 * Counters: `bigquery/recordsWritten/<store>`, `bigquery/bytesWritten`, `bigquery/failedRecords/<store>`, all of the files.
 *
 * @throws TypeError for options that make no sense, when the pipeline is built. At run time SnapshotError STORE_UNAVAILABLE (no credentials, no answer after `maxAttempts`), STORE_CONSTRAINT (no such
 *   dataset, no permission, a table of another's making, a frozen table, a store without columns), FILE_ACCESS_DENIED and FILE_WRITE_FAILED for the staging folder; per record, as `onError` says,
 *   SNAPSHOT_LIMIT_EXCEEDED (a value nested too deeply), STORE_CONSTRAINT (a capture time outside the years 1 to 9999).
 * @example
 * const { tables } = notes.apply(
 *   writeToBigQuery({ project: "my-project", dataset: "devices" }, { staging: "gs://my-bucket/staging/", versionBy: "updatedAt" }),
 * );
 */
export function writeToBigQuery(
  { project, dataset, location }: BigQueryDataset,
  options: WriteToBigQueryOptions,
): PTransform<PCollection<SnapshotRecord>, WriteToTablesResult> {
  const transform = "writeToBigQuery";
  const {
    staging,
    schemaUpdate = "evolve",
    maxBytesPerShard = 256 << 20,
    memoryBytes = 64 << 20,
    maxAttempts = 8,
    ...shared
  } = options;
  const given = { project, dataset, ...(location === undefined ? {} : { location }) };
  checkDataset(transform, given);
  const place: BigQueryPlace = { ...given, maxAttempts };
  const prefix = stagingFolder(transform, staging);
  const unfit = ["children", "batchRows"].find((name) => Object.hasOwn(shared, name));
  if (unfit !== undefined) throw new TypeError(`${transform}: there is no option "${unfit}".`);
  const { columns, tables, versionBy, deletes, onError } = tableSettings(transform, shared);
  const { loadId } = shared;
  checkOneOf(transform, "schemaUpdate", schemaUpdate, ["evolve", "freeze"]);
  checkWholeNumber(transform, "maxBytesPerShard", maxBytesPerShard, 1, Number.MAX_SAFE_INTEGER);
  checkWholeNumber(transform, "memoryBytes", memoryBytes, 1024, 2 ** 31);
  checkWholeNumber(transform, "maxAttempts", maxAttempts, 1, 1000);
  checkTexts(transform, loadId, columns);
  const tempFolder = tempFolderFor(prefix);
  return withName(transform, (records: PCollection<SnapshotRecord>) => {
    const tasks = sortByStore(records, { prefix, tempFolder, memoryBytes, numShards: 0, maxBytesPerShard });
    const prepared: PCollection<readonly PreparedTable[]> = countShardKinds(
      tasks,
      { tempFolder, versionBy, columns },
      { limits: bigqueryColumns.limits },
    ).apply(asyncParDo(new PrepareTables(place, { columns, tables }, schemaUpdate)));
    const written = tasks
      .apply(
        asyncParDo(
          // Deletions have to be in the files in any case: it is the table that rows go from.
          new WriteRecordShards(new StagedFormat(), {
            tempFolder,
            versionBy,
            deletes: "soft",
            onError,
            loadId,
          }),
          { concurrency: 2 },
          {
            records: counterFamily("bigquery/recordsWritten"),
            bytes: counter("bigquery/bytesWritten"),
            failures: counterFamily("bigquery/failedRecords"),
            plans: singletonSideInput(prepared),
          },
        ),
      )
      .apply(withName("outputs", taggedOutputs<RecordFileOutputs>(["shards", "failedRecords"])));
    const counts = written.shards
      .apply(withName("byTable", groupBy<FinishedRecordFile, string>("destination")))
      .apply(
        asyncParDo(
          new LoadFiles(place, { loadId: loadId ?? "", hardDelete: deletes === "hard", versionBy }),
          { concurrency: 4 },
          { tables: singletonSideInput(prepared) },
        ),
      )
      .apply(withName("allTables", groupBy<TableCounts, string>(ofOneLoad)))
      .apply(asyncParDo(new CloseStaging(tempFolder)));
    return { tables: counts, failedRecords: written.failedRecords };
  });
}

function stagingFolder(transform: string, staging: string): string {
  if (typeof staging !== "string" || !staging.startsWith("gs://") || /[*?[\]{}]/.test(staging))
    throw new TypeError(
      `${transform}: staging is ${JSON.stringify(staging)}. It is a folder on Cloud Storage without wildcards, such as "gs://bucket/staging/".`,
    );
  objectPrefix(staging);
  return staging.endsWith("/") ? staging : `${staging}/`;
}

function checkTexts(
  transform: string,
  loadId: string | undefined,
  columns: WriteToBigQueryOptions["columns"],
): void {
  if (loadId !== undefined && kindOfValue(loadId, bigqueryColumns.limits) !== "text")
    throw new TypeError(`${transform}: loadId has a NUL or half a character in it.`);
  for (const [store, given] of Object.entries(columns ?? {}))
    for (const property of Object.keys(given))
      if (!hasRoomFor(property))
        throw new TypeError(
          `${transform}: the name of a column of ${JSON.stringify(store)} has about 1,000 characters, more than the bookkeeping holds. Leave it out: the property goes to _rest.`,
        );
}

function ofOneLoad(): string {
  return "";
}

registerFunctions("beam-indexeddb/io", { ofOneLoad });
