/** IndexedDB to snapshot and back: in a page, a worker, an extension, Electron, and in Node on fake-indexeddb. */
export { exportDB } from "./export-db.js";
export { importDB } from "./import-db.js";
export type { ExportOptions, ExportProgress, UnportablePolicy, WorkerOption } from "./export-options.js";
export type {
  ConflictPolicy,
  ImportOptions,
  ImportProgress,
  ImportResult,
  StoreImportResult,
} from "./import-options.js";
export type { ImportSource } from "./import-source.js";
export type { RecordSelection, StoreRecord, TransformedRecord } from "./record-selection.js";
export type { EnvironmentOptions } from "./environment.js";
export type { StagingMode } from "./staging.js";
export type { UnfinishedImport } from "./side-database.js";
export { unfinishedImports } from "./unfinished-imports.js";
export { SnapshotError, type SnapshotErrorCode, isSnapshotError } from "../snapshot/index.js";
