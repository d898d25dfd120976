import type { Root } from "../beam/index.js";
import { readGroupsFromIndexedDB, writeToJson } from "../io/index.js";
import { mergeGroups, renameDatabase } from "../transforms/index.js";
import { parseDestination, writeToDestinations } from "./destination.js";

/** What `toDatabase` and `toWarehouse` read, how they merge, where the records go. */
export interface LoadPipelineOptions {
  /** Snapshot files of the devices: a path or pattern. */
  readonly input: string;
  /** Where the records go: see `parseDestination`. Several are filled in one run. */
  readonly destinations: readonly string[];
  /** Folder for `summary.json`; made when it is missing. */
  readonly output: string;
  /** Path of the time at which the app last changed a record. Default: the time of capture decides. */
  readonly by?: string | undefined;
  /** Object stores to load; default all. */
  readonly stores?: readonly string[] | undefined;
  /** Name of the merged database; needed when the devices' databases have different names. */
  readonly database?: string | undefined;
  /** `soft`: deleted records stay as rows that say so. `hard`: they go. Default "hard" for `toDatabase`, "soft" for `toWarehouse`. */
  readonly deletes?: "soft" | "hard" | undefined;
  /** Folder on Cloud Storage, `gs://bucket/folder/`, for the files that BigQuery loads; needed for a destination there, and for no other. */
  readonly staging?: string | undefined;
}

/**
 * Merges the snapshots of several devices and brings each object store into a table of a database: what is there now, rows of deleted records gone.
 * `<output>/summary.json` has a line for each store and destination.
 * @throws TypeError for destinations that make no sense, when the pipeline is built; while it runs the errors of the sinks
 * @example await createRunner().run(toDatabase({ input: "devices/*.idbsnap", destinations: ["sqlite:out/app.sqlite"], output: "out" }));
 */
export function toDatabase(options: LoadPipelineOptions): (root: Root) => void {
  return load({ ...options, deletes: options.deletes ?? "hard" });
}

/**
 * As `toDatabase`, for analysis: rows of deleted records stay, marked `_deleted`, in a warehouse or in files that one loads.
 * @throws TypeError for destinations that make no sense, when the pipeline is built; while it runs the errors of the sinks
 * @example await createRunner().run(toWarehouse({ input: "devices/*.idbsnap", destinations: ["duckdb:out/app.duckdb", "parquet:out/parquet"], output: "out" }));
 */
export function toWarehouse(options: LoadPipelineOptions): (root: Root) => void {
  return load({ ...options, deletes: options.deletes ?? "soft" });
}

function load(options: LoadPipelineOptions & { readonly deletes: "soft" | "hard" }): (root: Root) => void {
  const { input, output, by, stores, database, deletes, staging } = options;
  if (options.destinations.length === 0) throw new TypeError("Give at least one destination.");
  const destinations = options.destinations.map(parseDestination);
  if (staging === undefined && destinations.some(({ kind }) => kind === "bigquery"))
    throw new TypeError(
      "BigQuery loads files from Cloud Storage: give the folder that they may be put into, staging: gs://BUCKET/FOLDER/.",
    );
  const folder = output.replace(/(.)\/+$/, "$1");
  return (root) => {
    const groups = root.apply(readGroupsFromIndexedDB(input, { stores, byDatabase: database === undefined }));
    const winners = groups.apply(mergeGroups({ by }));
    const merged = database === undefined ? winners : winners.apply(renameDatabase(database));
    merged
      .apply(writeToDestinations(destinations, { versionBy: by, deletes, staging }))
      .apply(writeToJson(`${folder}/summary.json`));
  };
}
