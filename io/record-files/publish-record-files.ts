import { createHash } from "node:crypto";
import { type AsyncDoFn, type KV, registerFunctions } from "../../beam/index.js";
import { SnapshotError } from "../../snapshot/index.js";
import { byDestination, nameShards } from "../indexeddb/publish-shards.js";
import { folderOf, joinPath, nameOf } from "../file/join-path.js";
import { publish } from "../file/publication.js";
import { safeFileName, type ShardNaming, shardNamePattern, splitPrefix } from "../file/shard-name.js";
import { closeTempFolder } from "../file/temp-folder.js";
import type { FinishedRecordFile } from "./write-record-shards.js";

/** A file of records under its final name. */
export interface WrittenRecordFile {
  readonly file: string;
  readonly database: string;
  readonly store: string;
  readonly shard: number;
  readonly count: number;
  readonly records: number;
  readonly bytes: number;
}

/** Gives all files of all stores their final names at once, when every one of them is complete. */
export class PublishRecordFiles implements AsyncDoFn<
  KV<string, Iterable<FinishedRecordFile>>,
  WrittenRecordFile
> {
  readonly beamName = "publish";
  readonly naming: ShardNaming;
  readonly tempFolder: string;

  constructor(naming: ShardNaming, tempFolder: string) {
    this.naming = naming;
    this.tempFolder = tempFolder;
  }

  async process({ value }: KV<string, Iterable<FinishedRecordFile>>): Promise<WrittenRecordFile[]> {
    const sets = byDestination(value);
    const names = nameSets([...sets.keys()]);
    const named = [...sets].flatMap(([destination, files]) =>
      nameShards(this.namingOf(names.get(destination)!), files),
    );
    refuseSameName(named.map(({ file }) => file));
    // All names that a store may have had: which one it has depends on the stores beside it.
    const patterns = [...sets.keys()]
      .flatMap((destination) => Object.values(possibleNames(destination)))
      .map((name) => this.namingOf(name))
      .map((naming) => shardNamePattern(naming, nameOf(naming.prefix)));
    await publish({
      prefix: this.naming.prefix,
      renames: named.map(({ shard, file }) => ({ from: shard.tempPath, to: file })),
      isStale: (name) => patterns.some((pattern) => pattern.test(name)),
    });
    await closeTempFolder(this.tempFolder);
    return named.map(({ file, shard: { destination, shard, count, records, bytes } }) => ({
      file,
      ...partsOf(destination),
      shard,
      count,
      records,
      bytes,
    }));
  }

  /** "out/app" for the store "notes" becomes "out/app-notes"; a prefix that ends with a slash is the folder of the files. */
  private namingOf(name: string): ShardNaming {
    const { prefix } = this.naming;
    const path = prefix.endsWith("/")
      ? joinPath(splitPrefix(prefix).folder, name)
      : joinPath(folderOf(prefix), `${nameOf(prefix)}-${name}`);
    return { ...this.naming, prefix: path };
  }
}

function partsOf(destination: string): { readonly database: string; readonly store: string } {
  const [database, store] = JSON.parse(destination) as [string, string];
  return { database, store };
}

/** Two stores whose files have one name: only a template that does not keep names and numbers apart leads to that. */
function refuseSameName(files: readonly string[]): void {
  const seen = new Set<string>();
  for (const file of files) {
    if (seen.has(fold(file)))
      throw new SnapshotError(
        "STORE_CONSTRAINT",
        `Two files would get the name ${JSON.stringify(file)}: nothing was published. Begin shardNameTemplate with a character that is no digit, such as "-SSSSS-of-NNNNN".`,
        { file },
      );
    seen.add(fold(file));
  }
}

/**
 * The name of each store's files: the store's, with the database's in front where several databases have it, with a hash where that could still be taken for another
 * store's, also by file systems that ignore case.
 */
export function nameSets(destinations: readonly string[]): ReadonlyMap<string, string> {
  const possible = destinations.map((destination) => ({ destination, ...possibleNames(destination) }));
  const claims = new Map<string, number>();
  for (const { short, long } of possible)
    for (const name of new Set([fold(short), fold(long)])) claims.set(name, (claims.get(name) ?? 0) + 1);
  return new Map(
    possible.map(({ destination, short, long, unique }) => [
      destination,
      [short, long].find((name) => claims.get(fold(name)) === 1) ?? unique,
    ]),
  );
}

function possibleNames(destination: string): {
  readonly short: string;
  readonly long: string;
  readonly unique: string;
} {
  const { database, store } = partsOf(destination);
  const hash = createHash("sha256").update(Buffer.from(destination, "utf16le")).digest("hex").slice(0, 16);
  const bounded = (name: string): string =>
    name.length <= longestName ? name : `${name.slice(0, longestName - 20)}~${hash}`;
  const long = `${safeFileName(database)}__${safeFileName(store)}`;
  return {
    short: bounded(safeFileName(store)),
    long: bounded(long),
    unique: `${long.slice(0, longestName - 20)}~${hash}`,
  };
}

/** Systems take 255 bytes for a whole name; what stands before and behind it needs room. */
const longestName = 120;

function fold(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

registerFunctions("beam-indexeddb/io", { PublishRecordFiles });
