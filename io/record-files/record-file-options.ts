import { checkOptionNames } from "../check-options.js";
import { checkWritePath } from "../file/check-path.js";
import { checkShardNaming, defaultShardTemplate, type ShardNaming, splitPrefix } from "../file/shard-name.js";
import { tempFolderFor } from "../file/temp-folder.js";
import type { GivenColumns } from "../table/plan-tables.js";
import { checkWholeNumber, tableSettings, type WriteToTablesOptions } from "../table/table-options.js";

/** Files, versions, deletions: what every sink that writes files of records takes. Every option has a default. */
export interface WriteRecordFilesOptions extends Pick<
  WriteToTablesOptions,
  "versionBy" | "deletes" | "onError"
> {
  /** The columns of stores, property -> kind. What they do not hold goes to `_rest`. Default, also for stores that are not named: inferred over all records. */
  readonly columns?: Readonly<Record<string, GivenColumns>>;
  /** Name of this run in `_load_id`. Default: a name made of the records themselves, so that the same records give the same files. */
  readonly loadId?: string;
  /** Number of files a store, at least 1; 0: as many as `maxBytesPerShard` asks for. Default 1. */
  readonly numShards?: number | undefined;
  /** With `numShards: 0`, bytes of keys and values in a file. Default 256 MiB; the number is a power of two up to 64. */
  readonly maxBytesPerShard?: number | undefined;
  /** Runs of S are the shard's number, of N the count. Default "-SSSSS-of-NNNNN"; "" for a single file without a number. */
  readonly shardNameTemplate?: string | undefined;
  /** End of the file names. Default: of the format. */
  readonly fileNameSuffix?: string | undefined;
  /** Memory for sorting, a bundle; what is more goes to temporary files beside the output. Bytes, default 64 MiB, at least 1 KiB. */
  readonly memoryBytes?: number | undefined;
}

/** The same with defaults, as plain data: what travels to the workers. */
export interface RecordFileSettings {
  readonly prefix: string;
  readonly naming: ShardNaming;
  readonly tempFolder: string;
  readonly numShards: number;
  readonly maxBytesPerShard: number;
  readonly memoryBytes: number;
  readonly columns: NonNullable<WriteRecordFilesOptions["columns"]> | undefined;
  readonly versionBy: string | undefined;
  readonly deletes: "soft" | "hard";
  readonly onError: "fail" | "failedRecords";
  readonly loadId: string | undefined;
}

const ownOptions = [
  "numShards",
  "maxBytesPerShard",
  "shardNameTemplate",
  "fileNameSuffix",
  "memoryBytes",
] as const satisfies readonly (keyof WriteRecordFilesOptions)[];

/**
 * Checks the options and gives them their defaults.
 * @param transform Its name, for the messages.
 * @param further Names of options that only this transform has.
 * @throws TypeError for options that make no sense, with what would.
 */
export function recordFileSettings(
  transform: string,
  prefix: string,
  suffix: string,
  options: WriteRecordFilesOptions,
  further: readonly string[] = [],
): RecordFileSettings {
  const problem = (what: string): TypeError => new TypeError(`${transform}: ${what}`);
  if (typeof prefix !== "string" || prefix === "")
    throw problem(
      'the first argument is the beginning of the file names, such as "out/app", or a folder with a slash at its end.',
    );
  checkWritePath(prefix);
  checkOptionNames(transform, options, [
    "columns",
    "versionBy",
    "deletes",
    "onError",
    "loadId",
    ...ownOptions,
    ...further,
  ]);
  const { columns, versionBy, deletes, onError, loadId } = options;
  const shared = tableSettings(transform, {
    ...(columns === undefined ? {} : { columns }),
    ...(versionBy === undefined ? {} : { versionBy }),
    ...(deletes === undefined ? {} : { deletes }),
    ...(onError === undefined ? {} : { onError }),
    ...(loadId === undefined ? {} : { loadId }),
  });
  const numShards = checkWholeNumber(transform, "numShards", options.numShards ?? 1, 0, 99_999);
  const naming = {
    prefix,
    template: options.shardNameTemplate ?? defaultShardTemplate,
    suffix: options.fileNameSuffix ?? suffix,
  };
  if (/[/\\]/.test(naming.template + naming.suffix))
    throw problem("shardNameTemplate and fileNameSuffix are parts of a file's name and can't hold a slash.");
  checkShardNaming(naming, numShards);
  const around = splitPrefix(prefix).base + naming.template + naming.suffix;
  if (Buffer.byteLength(around) > 120)
    throw problem(
      "the beginning of the file names, shardNameTemplate and fileNameSuffix are longer than 120 bytes together.",
    );
  return {
    prefix,
    naming,
    tempFolder: tempFolderFor(prefix),
    numShards,
    maxBytesPerShard: checkWholeNumber(
      transform,
      "maxBytesPerShard",
      options.maxBytesPerShard ?? 256 << 20,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    memoryBytes: checkWholeNumber(transform, "memoryBytes", options.memoryBytes ?? 64 << 20, 1024, 2 ** 31),
    columns: shared.columns,
    versionBy: shared.versionBy,
    deletes: shared.deletes,
    onError: shared.onError,
    loadId,
  };
}
