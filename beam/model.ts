/**
 * Beam's model as the SDK generates it from its protobuf files: the messages of pipelines, of the Fn API (runner and worker) and of the
 * job API (client and job server). What runners/ speaks with; not part of the public interface.
 */
import "./node-compatibility.js";
import "apache-beam";
import { ProcessBundleSplitRequest_DesiredSplit as DesiredSplit } from "apache-beam/proto/beam_fn_api";
import { getRegisteredModules } from "apache-beam/serialization";

export * from "./messages.js";
export { TYPESCRIPT_DEFAULT_ENVIRONMENT_URN as defaultEnvironmentUrn } from "apache-beam/internal/environments";

/** Names of the modules that have registered functions so far: a worker has to import them before it can run a pipeline that uses them. */
export function registeredModules(): readonly string[] {
  return [...new Set(getRegisteredModules())];
}

// The SDK's generated code for this message names a variable that its compiler has removed, so that a split request with allowed split points can't
// be read. The protobuf runtime reads any message by its field list.
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own receiver
DesiredSplit.internalBinaryRead = (
  Object.getPrototypeOf(Object.getPrototypeOf(DesiredSplit)) as typeof DesiredSplit
).internalBinaryRead;
