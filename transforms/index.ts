/** PTransforms over records; they know nothing of files. */
export { mergeDevices, type MergeDevicesOptions, mergeGroups } from "./merge-devices.js";
export { selectStore } from "./select-store.js";
export { countRecords, type StoreCount } from "./count-records.js";
export { renameDatabase } from "./rename-database.js";
