import type { Bench } from "./bench.js";
import { browserBench } from "./browser/browser-bench.js";
import { codecBench } from "./codec/codec-bench.js";
import { filesBench } from "./files/files-bench.js";
import { objectStoreBench } from "./object-store/object-store-bench.js";
import { pipelinesBench } from "./pipelines/pipelines-bench.js";
import { groupingBench } from "./runners/grouping-bench.js";
import { mergeBench } from "./runners/merge-bench.js";
import { scalingBench } from "./runners/scaling-bench.js";
import { startBench } from "./runners/start-bench.js";

/**
 * Loaded when they run, and after those of the runners: they register functions of their own, and a job's workers look for the modules of all that are registered.
 */
const destinationsBench: Bench = {
  name: "destinations",
  title: "rows per second into PostgreSQL and SQLite, against INSERT ... ON CONFLICT by hand",
  run: async (context) => (await import("./destinations/destinations-bench.js")).measureDestinations(context),
};

const warehouseBench: Bench = {
  name: "warehouse",
  title: "Parquet files against hyparquet-writer by hand, and the memory of a load into DuckDB",
  run: async (context) => (await import("./warehouse/warehouse-bench.js")).measureWarehouse(context),
};

/** All benches, in the order in which they run. */
export const benches: readonly Bench[] = [
  codecBench,
  filesBench,
  objectStoreBench,
  pipelinesBench,
  startBench,
  scalingBench,
  groupingBench,
  mergeBench,
  browserBench,
  destinationsBench,
  warehouseBench,
];
