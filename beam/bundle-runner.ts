/** Bundles of one stage of a pipeline, as a worker runs them: the SDK's graph of operators with this folder's operators in it. */
import "./node-compatibility.js";
import "apache-beam";
import {
  type ProcessBundleDescriptor,
  type ProcessBundleSplitRequest,
  type ProcessBundleSplitResponse_ChannelSplit as ChannelSplit,
  type StateKey,
} from "apache-beam/proto/beam_fn_api";
import { type MonitoringInfo } from "apache-beam/proto/metrics";
import { BundleProcessor } from "apache-beam/worker/worker";
import type { DataPlane } from "./data-plane.js";
import { DataSourceOperator } from "./data-source-operator.js";
import { bundleMetrics, readIndexInfo } from "./bundle-metrics.js";
import "./operators.js";

/** Where side inputs come from. */
export interface StatePlane {
  /** All bytes under a key. @throws what the runner answered, or that the connection broke */
  read(address: string, instructionId: string, key: StateKey): Promise<Uint8Array>;
}

/** Runs bundles of one stage, one at a time. */
export interface BundleRunner {
  /** Runs a bundle to its end. After a rejection this runner must not be used again. @throws the error of the step that failed */
  run(instructionId: string): Promise<void>;
  /** Gives a part of the input of the running bundle back to the runner. */
  split(request: ProcessBundleSplitRequest): readonly ChannelSplit[];
  /** Counters, distributions and element counts of the running bundle, or of the last one. */
  metrics(): MonitoringInfo[];
}

/** @throws TypeError for steps that this worker does not know, and whatever deserializing a step's functions throws */
export function createBundleRunner(
  descriptor: ProcessBundleDescriptor,
  data: DataPlane,
  state: StatePlane,
): BundleRunner {
  const processor = new BundleProcessor(
    descriptor,
    () => data as never,
    (address: string) => stateOf(state, address) as never,
  );
  const sources = processor.topologicallyOrderedOperators.filter(
    (operator) => operator instanceof DataSourceOperator,
  );
  return {
    run: (instructionId) => processor.process(instructionId),
    split({ desiredSplits }) {
      const splits = sources.map((source) => {
        const desired = desiredSplits[source.transformId];
        return desired && source.split(desired);
      });
      return splits.filter((split) => split !== undefined);
    },
    metrics: () => [
      ...bundleMetrics(processor.metricsContainer),
      ...sources.map(({ transformId, readIndex }) => readIndexInfo(transformId, readIndex)),
    ],
  };
}

/** In the form in which the SDK's caching of side inputs asks for them. */
function stateOf(plane: StatePlane, address: string): unknown {
  return {
    getState: <T>(instructionId: string, key: StateKey, decode: (bytes: Uint8Array) => T) => ({
      type: "promise",
      promise: plane.read(address, instructionId, key).then(decode),
    }),
  };
}
