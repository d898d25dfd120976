import {
  asyncParDo,
  atRunEnd,
  counter,
  counterFamily,
  create,
  flatten,
  groupBy,
  listSideInput,
  P,
  parDo,
  PCollection,
  type PTransform,
  registerFunctions,
  reshuffle,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import {
  type DatabaseSchema,
  encodeSchema,
  packageVersion,
  type SnapshotRecord,
  toHex,
} from "../../snapshot/index.js";
import { checkOptionNames } from "../check-options.js";
import type { ErrorTreatment, FailedRecord } from "../failed-record.js";
import { checkWritePath } from "../file/check-path.js";
import { fileSystemOf } from "../file/file-system.js";
import { checkShardNaming, defaultShardTemplate } from "../file/shard-name.js";
import { tempFolderFor } from "../file/temp-folder.js";
import type { Destination } from "./destination.js";
import { automaticBuckets, PlanShards, type ShardTask } from "./plan-shards.js";
import { PublishShards, type WrittenFile } from "./publish-shards.js";
import { schemasOf } from "./schema-flow.js";
import { type RunTotals, SpillRuns } from "./spill-runs.js";
import { type FinishedShard, type WriteOutputs, WriteShards } from "./write-shards.js";

/** Into which files records go, under which schema, and what happens with those that can't be written. */
export interface WriteToIndexedDBOptions {
  /**
   * Schema of the database, or schemas as a PCollection of `encodeSchema` bytes. Default: of the snapshots that the records come from
   * (`readFromIndexedDB`), united by `unionSchemas`.
   */
  readonly schema?: DatabaseSchema | PCollection<Uint8Array> | undefined;
  /** Name of the database to write; default that of the records. */
  readonly database?: string | undefined;
  /** Device named in the header; default the one that all records come from, else "". */
  readonly device?: string | undefined;
  /** Number of files a destination, at least 1; 0: as many as `maxBytesPerShard` asks for. Default 1. */
  readonly numShards?: number | undefined;
  /** With `numShards: 0`, bytes of keys and values (before compression) a file. Default 256 MiB; the number is a power of two up to 64. */
  readonly maxBytesPerShard?: number | undefined;
  /** Runs of S are the shard's number, of N the count. Default "-SSSSS-of-NNNNN"; "" for a single file without a number. */
  readonly shardNameTemplate?: string | undefined;
  /** Default ".idbsnap". */
  readonly fileNameSuffix?: string | undefined;
  /**
   * "one" (default): one snapshot for all. "database", "device": one for each, named `<prefix>-<name>...`. Or a function that travels
   * (docs/functions.md) and gives the name for a record. A prefix that ends with a slash is a folder of such snapshots.
   */
  readonly destination?: Destination | undefined;
  /** Records that can't be written (a second one for a key, an unknown store, lost content of a Blob) fail the job (default) or go to `failedRecords`. */
  readonly onError?: ErrorTreatment | undefined;
  /** Default "deflate". */
  readonly compression?: "deflate" | "none" | undefined;
  /** Raw bytes a block; default 512 KiB. */
  readonly blockBytes?: number | undefined;
  /** Memory for sorting, a bundle; what is more goes to temporary files beside the output. Bytes, default 64 MiB, at least 1 KiB. */
  readonly memoryBytes?: number | undefined;
}

/** What was written, and what was not. */
export type WriteToIndexedDBResult = Readonly<{
  /** The files under their final names, each with what it holds. */
  filesWritten: PCollection<WrittenFile>;
  /** With `onError: "failedRecords"` what was not written; else empty. */
  failedRecords: PCollection<FailedRecord>;
}>;

/**
 * Writes records as snapshot files (.idbsnap) that `importDB` loads into a browser and `readFromIndexedDB` reads.
 *
 * Guarantees: the same records and options give the same bytes, on every runner and however the records are bundled; shards are chosen by a
 * hash of store and key. All files become visible together, after all of them are complete and on disk; a crash at any point leaves the old
 * result or the new one, and shards of an earlier result with another count are removed. Content of Blobs is copied from the files that the
 * records come from. Records keep their origin. Metrics: `recordsWritten/<store>`, `bytesWritten`, `writeFailures`.
 *
 * @param filePathPrefix Path and beginning of the file names, such as "out/merged"; the folder is made when it is missing.
 * @throws TypeError for wrong options; while the pipeline runs SNAPSHOT_SCHEMA_MISSING, SNAPSHOT_SCHEMA_CONFLICT, SNAPSHOT_DATABASE_MIXED,
 *   FILE_NOT_WRITABLE, FILE_DISK_FULL; per record, as `onError` says, SNAPSHOT_DUPLICATE_KEY, SNAPSHOT_STORE_UNKNOWN, SNAPSHOT_ATTACHMENT_MISSING
 * @example
 * const { filesWritten } = merged.apply(writeToIndexedDB("out/merged", { numShards: 4 }));
 */
export function writeToIndexedDB(
  filePathPrefix: string,
  options: WriteToIndexedDBOptions = {},
): PTransform<PCollection<SnapshotRecord>, WriteToIndexedDBResult> {
  const settings = checked(filePathPrefix, options);
  const { prefix, numShards, destination, tempFolder, database } = settings;
  return withName(
    `writeToIndexedDB(${prefix})`,
    (records: PCollection<SnapshotRecord>): WriteToIndexedDBResult => {
      const schemas = schemaBytes(records, options.schema);
      // After a success there is nothing left; a run that failed must not leave its runs on a disk that may be full.
      atRunEnd(records, () => fileSystemOf(tempFolder).deleteFolder(tempFolder));
      const runs = records.apply(
        asyncParDo<SnapshotRecord, RunTotals>(
          new SpillRuns({ ...settings, buckets: numShards || automaticBuckets }),
          { concurrency: 1 },
        ),
      );
      // Without any record there is still a snapshot to write, an empty one; which ones a function would name can't be known.
      const seeds =
        destination === "one"
          ? [records.root().apply(withName("evenIfEmpty", create<RunTotals>([emptyTotals])))]
          : [];
      const { shards, failedRecords } = P([runs, ...seeds])
        .apply(withName("allRuns", flatten<RunTotals>()))
        .apply(withName("byDestination", groupBy<RunTotals, string>("destination")))
        .apply(withName("planShards", parDo(new PlanShards(numShards, settings.maxBytesPerShard, database))))
        .apply(withName("spreadShards", reshuffle<ShardTask>()))
        .apply(
          asyncParDo(
            new WriteShards({ ...settings, createdBy: `beam-indexeddb ${packageVersion}` }),
            { concurrency: 2 },
            {
              schemas: listSideInput(schemas),
              records: counterFamily("recordsWritten"),
              bytes: counter("bytesWritten"),
              failures: counter("writeFailures"),
            },
          ),
        )
        .apply(taggedOutputs<WriteOutputs>(["shards", "failedRecords"]));
      const filesWritten = shards
        .apply(withName("allShards", groupBy<FinishedShard, string>(together)))
        .apply(asyncParDo(new PublishShards(settings.naming, tempFolder)));
      return { filesWritten, failedRecords };
    },
  );
}

const emptyTotals: RunTotals = {
  destination: "",
  databases: [],
  devices: [],
  capturedAt: 0,
  records: 0,
  bytes: 0,
  sums: [0, 0],
  segments: [],
};

function schemaBytes(
  records: PCollection<SnapshotRecord>,
  schema: WriteToIndexedDBOptions["schema"],
): PCollection<Uint8Array> {
  const root = records.root();
  if (schema instanceof PCollection) return distinctSchemas([schema]);
  if (schema) return root.apply(withName("schema", create([encodeSchema(schema)])));
  const sources = schemasOf(records);
  if (sources.length === 0) {
    throw new TypeError(
      "writeToIndexedDB: the records do not come from readFromIndexedDB, so their schema is not known. Give it: writeToIndexedDB(prefix, { schema: { name, version, objectStores } }).",
    );
  }
  return distinctSchemas(sources);
}

/** Thousands of devices have a handful of schemas: only these are handed to every shard. */
function distinctSchemas(sources: readonly PCollection<Uint8Array>[]): PCollection<Uint8Array> {
  return P([...sources])
    .apply(withName("schemas", flatten<Uint8Array>()))
    .apply(withName("distinctSchemas", groupBy<Uint8Array, string>(toHex)))
    .apply(withName("oneEach", parDo(new FirstOfGroup())));
}

export class FirstOfGroup {
  *process({ value }: { readonly value: Iterable<Uint8Array> }): Generator<Uint8Array> {
    for (const one of value) {
      yield one;
      return;
    }
  }
}

function together(): string {
  return "";
}

const optionNames: readonly (keyof WriteToIndexedDBOptions)[] = [
  "schema",
  "database",
  "device",
  "numShards",
  "maxBytesPerShard",
  "shardNameTemplate",
  "fileNameSuffix",
  "destination",
  "onError",
  "compression",
  "blockBytes",
  "memoryBytes",
];

function checked(prefix: string, options: WriteToIndexedDBOptions) {
  const problem = (what: string): TypeError => new TypeError(`writeToIndexedDB: ${what}`);
  if (typeof prefix !== "string" || prefix === "")
    throw problem('the first argument is the beginning of the file names, such as "out/merged".');
  checkWritePath(prefix);
  checkOptionNames("writeToIndexedDB", options, optionNames);
  const {
    numShards = 1,
    maxBytesPerShard = 256 << 20,
    memoryBytes = 64 << 20,
    destination = "one",
    onError = "fail",
    compression = "deflate",
    blockBytes,
    schema,
  } = options;
  const whole = (name: string, value: number, least: number, most: number): void => {
    if (!Number.isInteger(value) || value < least || value > most)
      throw problem(`${name} is a whole number from ${least} to ${most}, not ${String(value)}.`);
  };
  whole("numShards", numShards, 0, 99_999);
  whole("maxBytesPerShard", maxBytesPerShard, 1, Number.MAX_SAFE_INTEGER);
  whole("memoryBytes", memoryBytes, 1024, 2 ** 31);
  if (blockBytes !== undefined) whole("blockBytes", blockBytes, 1024, 8 << 20);
  if (!["fail", "failedRecords"].includes(onError))
    throw problem(`onError is "fail" or "failedRecords", not ${JSON.stringify(onError)}.`);
  if (!["deflate", "none"].includes(compression))
    throw problem(`compression is "deflate" or "none", not ${JSON.stringify(compression)}.`);
  if (typeof destination !== "function" && !["one", "database", "device"].includes(destination)) {
    throw problem(
      `destination is "one", "database", "device" or a function, not ${JSON.stringify(destination)}.`,
    );
  }
  if (destination === "one" && prefix.endsWith("/"))
    throw problem('a prefix that ends with a slash needs a destination, such as "device".');
  if (schema && !(schema instanceof PCollection) && !Array.isArray(schema.objectStores))
    throw problem("schema is a DatabaseSchema: { name, version, objectStores }.");
  const naming = {
    prefix,
    template: options.shardNameTemplate ?? defaultShardTemplate,
    suffix: options.fileNameSuffix ?? ".idbsnap",
  };
  if (/[/\\]/.test(naming.template + naming.suffix))
    throw problem("shardNameTemplate and fileNameSuffix are parts of a file's name and can't hold a slash.");
  checkShardNaming(naming, numShards);
  return {
    prefix,
    numShards,
    maxBytesPerShard,
    memoryBytes,
    destination,
    onError,
    compression,
    blockBytes,
    naming,
    database: options.database,
    device: options.device,
    tempFolder: tempFolderFor(prefix),
  };
}

registerFunctions("beam-indexeddb/io", { FirstOfGroup, together, toHex });
