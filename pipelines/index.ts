/** Ready pipelines: functions of their options that give what a runner runs. */
export { sync, type SyncOptions } from "./sync.js";
export { type StoreSummaryLine } from "./summarize-stores.js";
