/**
 * Everything that a pipeline needs from one import: records and the format, connectors, transforms, runners, ready pipelines. Pages import
 * `beam-indexeddb/browser` instead; the subpaths (`beam-indexeddb/io`, ...) bring a part alone.
 */
export * from "./snapshot/index.js";
export * from "./io/index.js";
export * from "./transforms/index.js";
export * from "./runners/index.js";
export * from "./pipelines/index.js";
