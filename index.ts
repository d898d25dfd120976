/** Everything a pipeline needs from one import: the connectors and the record type. Browser code imports `beam-indexeddb/browser`. */
export * from "./snapshot/index.js";
