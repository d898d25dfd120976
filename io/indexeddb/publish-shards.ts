import { type AsyncDoFn, type KV, registerFunctions } from "../../beam/index.js";
import { SnapshotError, type SnapshotSummary } from "../../snapshot/index.js";
import { folderOf, joinPath, nameOf } from "../file/join-path.js";
import { publish } from "../file/publication.js";
import { closeTempFolder } from "../file/temp-folder.js";
import {
  safeFileName,
  type ShardNaming,
  shardName,
  shardNamePattern,
  splitPrefix,
} from "../file/shard-name.js";
import type { FinishedShard } from "./write-shards.js";

/** A snapshot file under its final name. */
export interface WrittenFile {
  readonly file: string;
  /** "" when there is one for all. */
  readonly destination: string;
  readonly shard: number;
  readonly count: number;
  readonly database: string;
  readonly summary: SnapshotSummary;
}

/** One of the files of a set. */
export interface ShardOfSet {
  readonly shard: number;
  readonly count: number;
}

/** Gives all shards of all destinations their final names at once, when every one of them is complete. */
export class PublishShards implements AsyncDoFn<KV<string, Iterable<FinishedShard>>, WrittenFile> {
  readonly beamName = "publish";
  readonly naming: ShardNaming;
  readonly tempFolder: string;

  constructor(naming: ShardNaming, tempFolder: string) {
    this.naming = naming;
    this.tempFolder = tempFolder;
  }

  async process({ value }: KV<string, Iterable<FinishedShard>>): Promise<WrittenFile[]> {
    const destinations = byDestination(value);
    const named: { readonly shard: FinishedShard; readonly file: string }[] = [];
    const patterns: RegExp[] = [];
    for (const destination of [...destinations.keys()].sort()) {
      const naming = { ...this.naming, prefix: prefixFor(this.naming.prefix, destination) };
      named.push(...nameShards(naming, destinations.get(destination)!));
      patterns.push(shardNamePattern(naming, nameOf(naming.prefix)));
    }
    await publish({
      prefix: this.naming.prefix,
      renames: named.map(({ shard, file }) => ({ from: shard.tempPath, to: file })),
      isStale: (name) => patterns.some((pattern) => pattern.test(name)),
    });
    await closeTempFolder(this.tempFolder);
    return named.map(({ file, shard: { destination, shard, count, database, summary } }) => ({
      file,
      destination,
      shard,
      count,
      database,
      summary,
    }));
  }
}

/** Finished files, together with those of the same destination. */
export function byDestination<S extends { readonly destination: string }>(
  shards: Iterable<S>,
): Map<string, S[]> {
  const destinations = new Map<string, S[]>();
  for (const shard of shards) {
    const others = destinations.get(shard.destination);
    if (others) others.push(shard);
    else destinations.set(shard.destination, [shard]);
  }
  return destinations;
}

/**
 * The final names of the files of one set, in order.
 * @throws SnapshotError SNAPSHOT_SHARD_SET_INCOMPLETE
 */
export function nameShards<S extends ShardOfSet>(
  naming: ShardNaming,
  shards: readonly S[],
): { readonly shard: S; readonly file: string }[] {
  const sorted = [...shards].sort((a, b) => a.shard - b.shard);
  const { count } = sorted[0]!;
  if (sorted.length !== count || sorted.some((one, i) => one.shard !== i || one.count !== count)) {
    throw new SnapshotError(
      "SNAPSHOT_SHARD_SET_INCOMPLETE",
      `${sorted.length} of ${count} shards of ${JSON.stringify(naming.prefix)} arrived: nothing was published. Run the pipeline again.`,
    );
  }
  return sorted.map((shard) => ({ shard, file: shardName(naming, shard.shard, count) }));
}

/** "out/merged" for the destination "phone" becomes "out/merged-phone"; a prefix that ends with a slash holds one file a destination. */
function prefixFor(prefix: string, destination: string): string {
  if (destination === "") return prefix;
  const name = safeFileName(destination);
  return prefix.endsWith("/")
    ? joinPath(splitPrefix(prefix).folder, name)
    : joinPath(folderOf(prefix), `${nameOf(prefix)}-${name}`);
}

registerFunctions("beam-indexeddb/io", { PublishShards });
