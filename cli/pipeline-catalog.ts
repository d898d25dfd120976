import type { CatalogEntry } from "./pipelines/catalog-entry.js";
import { fromDatabaseEntry } from "./pipelines/from-database-entry.js";
import { toDatabaseEntry, toWarehouseEntry } from "./pipelines/load-entries.js";
import { syncEntry } from "./pipelines/sync-entry.js";

/** The first is run when none is named. */
export const pipelineCatalog: readonly CatalogEntry[] = [
  syncEntry,
  toDatabaseEntry,
  toWarehouseEntry,
  fromDatabaseEntry,
];
