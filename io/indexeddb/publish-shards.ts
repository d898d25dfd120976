import { basename, dirname, join } from "node:path";
import { type AsyncDoFn, type KV, registerFunctions } from "../../beam/index.js";
import { SnapshotError, type SnapshotSummary } from "../../snapshot/index.js";
import { fileSystemOf } from "../file/file-system.js";
import { publish } from "../file/publication.js";
import { safeFileName, type ShardNaming, shardName, shardNamePattern } from "../file/shard-name.js";
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

/** Gives all shards their final names, a destination at a time, once every one of them is complete. */
export class PublishShards implements AsyncDoFn<KV<string, Iterable<FinishedShard>>, WrittenFile> {
  readonly beamName = "publish";
  readonly naming: ShardNaming;
  readonly tempFolder: string;

  constructor(naming: ShardNaming, tempFolder: string) {
    this.naming = naming;
    this.tempFolder = tempFolder;
  }

  async process({ value }: KV<string, Iterable<FinishedShard>>): Promise<WrittenFile[]> {
    const destinations = new Map<string, FinishedShard[]>();
    for (const shard of value) {
      const shards = destinations.get(shard.destination);
      if (shards) shards.push(shard);
      else destinations.set(shard.destination, [shard]);
    }
    const written: WrittenFile[] = [];
    for (const name of [...destinations.keys()].sort())
      written.push(...(await this.publishOne(name, destinations.get(name)!)));
    await fileSystemOf(this.tempFolder).deleteFolder(this.tempFolder);
    return written;
  }

  private async publishOne(destination: string, shards: FinishedShard[]): Promise<WrittenFile[]> {
    shards.sort((a, b) => a.shard - b.shard);
    const count = shards[0]!.count;
    if (shards.length !== count || shards.some((one, i) => one.shard !== i || one.count !== count)) {
      throw new SnapshotError(
        "SNAPSHOT_SHARD_SET_INCOMPLETE",
        `${shards.length} of ${count} shards of ${JSON.stringify(this.naming.prefix)} arrived: nothing was published. Run the pipeline again.`,
      );
    }
    const naming = { ...this.naming, prefix: prefixFor(this.naming.prefix, destination) };
    const files = shards.map(({ shard }) => shardName(naming, shard, count));
    const stale = shardNamePattern(naming, basename(naming.prefix));
    await publish({
      prefix: naming.prefix,
      renames: shards.map(({ tempPath }, i) => ({ from: tempPath, to: files[i]! })),
      isStale: (name) => stale.test(name),
    });
    return shards.map(({ database, summary, shard }, i) => ({
      file: files[i]!,
      destination,
      shard,
      count,
      database,
      summary,
    }));
  }
}

/** "out/merged" for the destination "phone" becomes "out/merged-phone"; a prefix that ends with a slash holds one file a destination. */
function prefixFor(prefix: string, destination: string): string {
  if (destination === "") return prefix;
  const name = safeFileName(destination);
  return prefix.endsWith("/") ? join(prefix, name) : join(dirname(prefix), `${basename(prefix)}-${name}`);
}

registerFunctions("beam-indexeddb/io", { PublishShards });
