import type { Bench } from "./bench.js";
import { browserBench } from "./browser/browser-bench.js";
import { codecBench } from "./codec/codec-bench.js";
import { destinationsBench } from "./destinations/destinations-bench.js";
import { filesBench } from "./files/files-bench.js";
import { objectStoreBench } from "./object-store/object-store-bench.js";
import { pipelinesBench } from "./pipelines/pipelines-bench.js";
import { groupingBench } from "./runners/grouping-bench.js";
import { mergeBench } from "./runners/merge-bench.js";
import { scalingBench } from "./runners/scaling-bench.js";
import { startBench } from "./runners/start-bench.js";
import { warehouseBench } from "./warehouse/warehouse-bench.js";

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
  destinationsBench,
  warehouseBench,
  browserBench,
];
