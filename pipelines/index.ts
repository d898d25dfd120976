/** Ready pipelines: functions of their options that give what a runner runs. */
export { sync, type SyncOptions } from "./sync.js";
export { type StoreSummaryLine } from "./summarize-stores.js";
export { type LoadPipelineOptions, toDatabase, toWarehouse } from "./load.js";
export {
  type DestinationKind,
  destinationKinds,
  type LoadDestination,
  type LoadSummaryLine,
  parseDestination,
} from "./destination.js";
export { fromDatabase, type FromDatabaseOptions } from "./from-database.js";
