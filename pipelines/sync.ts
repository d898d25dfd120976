import type { Root } from "../beam/index.js";
import {
  readGroupsFromIndexedDB,
  schemasOf,
  writeToIndexedDB,
  writeToJson,
  writeToSqlite,
} from "../io/index.js";
import { remotePath } from "../io/file/join-path.js";
import { mergeGroups, renameDatabase } from "../transforms/index.js";
import { summarizeStores } from "./summarize-stores.js";

/** What `sync` reads, how it merges, where the results go. */
export interface SyncOptions {
  /** Snapshot files of the devices: a path or pattern. */
  readonly input: string;
  /** Folder for the results, local or in an object store (docs/file-systems.md); made when it is missing. */
  readonly output: string;
  /** Path of the time at which the app last changed a record. Default: the time of capture decides. */
  readonly by?: string | undefined;
  /** Object stores to merge; default all. */
  readonly stores?: readonly string[] | undefined;
  /** Name of the merged database; needed when the devices' databases have different names. */
  readonly database?: string | undefined;
  /** Number of snapshot files; default 1. */
  readonly numShards?: number | undefined;
}

/**
 * Merges the snapshots of several devices: `<output>/merged-SSSSS-of-NNNNN.idbsnap` to load back into browsers, `<output>/merged.sqlite` to query,
 * `<output>/summary.json` to see what happened. SQLite works on local disks alone: an output in an object store has no `merged.sqlite`. See `mergeDevices` for which record wins.
 * @example await createRunner().run(sync({ input: "devices/*.idbsnap", output: "out", by: "updatedAt" }));
 */
export function sync(options: SyncOptions): (root: Root) => void {
  const { input, output, by, stores, database, numShards } = options;
  const folder = output.replace(/(.)\/+$/, "$1");
  return (root) => {
    // Snapshots are sorted: versions of one record meet without a shuffle, and nothing is held but a block of each file.
    const groups = root.apply(readGroupsFromIndexedDB(input, { stores, byDatabase: database === undefined }));
    const winners = groups.apply(mergeGroups({ by }));
    const merged = database === undefined ? winners : winners.apply(renameDatabase(database));
    merged.apply(writeToIndexedDB(`${folder}/merged`, { database, numShards }));
    if (!remotePath(folder))
      merged.apply(writeToSqlite(`${folder}/merged.sqlite`, by === undefined ? {} : { versionBy: by }));
    summarizeStores(groups, merged, schemasOf(groups)).apply(writeToJson(`${folder}/summary.json`));
  };
}
