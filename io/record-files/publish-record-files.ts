import { createHash } from "node:crypto";
import { type AsyncDoFn, type KV, registerFunctions } from "../../beam/index.js";
import { nameShards } from "../indexeddb/publish-shards.js";
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
    const sets = new Map<string, FinishedRecordFile[]>();
    for (const file of value) {
      const set = sets.get(file.destination);
      if (set) set.push(file);
      else sets.set(file.destination, [file]);
    }
    const names = nameSets([...sets.keys()]);
    const named = [...sets].flatMap(([destination, files]) =>
      nameShards(this.namingOf(names.get(destination)!), files),
    );
    // The plain name too: it was the store's until a second database had one of this name.
    const patterns = [...sets.keys()]
      .flatMap((destination) => [names.get(destination)!, safeFileName(partsOf(destination).store)])
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

/**
 * The name of each store's files: the store's, with the database's in front where several databases have it, with a hash where file systems that ignore case
 * would still take two for one.
 */
export function nameSets(destinations: readonly string[]): ReadonlyMap<string, string> {
  const short = (destination: string): string => safeFileName(partsOf(destination).store);
  const long = (destination: string): string =>
    `${safeFileName(partsOf(destination).database)}__${short(destination)}`;
  const unique = (destination: string): string =>
    `${long(destination)}~${createHash("sha256").update(Buffer.from(destination, "utf16le")).digest("hex").slice(0, 16)}`;
  const names = new Map<string, string>();
  for (const destination of destinations) {
    const isAlone = (name: (one: string) => string): boolean =>
      destinations.filter((one) => fold(name(one)) === fold(name(destination))).length === 1;
    const choice = [short, long].find(isAlone) ?? unique;
    names.set(destination, choice(destination));
  }
  return names;
}

function fold(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

registerFunctions("beam-indexeddb/io", { PublishRecordFiles });
