import { runnerApi } from "../../beam/model.js";
import type { WorkerEnvironment } from "./environment.js";

/**
 * Workers of a pool that runs already: `beam-indexeddb worker-pool`, or another service with Beam's BeamFnExternalWorkerPool.
 * @param address `host:port` as the runner reaches it, which may be another machine than this one
 */
export function externalEnvironment(address: string): WorkerEnvironment {
  return {
    urn: "beam:env:external:v1",
    payload: externalPayload(address),
    artifacts: [],
    stop: () => Promise.resolve(),
  };
}

/** What the model wants to know of a worker pool. */
export function externalPayload(address: string): Uint8Array {
  return runnerApi.ExternalPayload.toBinary(runnerApi.ExternalPayload.create({ endpoint: { url: address } }));
}
