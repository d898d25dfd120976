/**
 * Beam's model as the SDK generates it from its protobuf files: the messages of pipelines, of the Fn API (runner and worker) and of the
 * job API (client and job server). What runners/ speaks with; not part of the public interface.
 */
import "./node-compatibility.js";
import "apache-beam";
import { getRegisteredModules } from "apache-beam/serialization";

export * as artifactApi from "apache-beam/proto/beam_artifact_api";
export * as fnApi from "apache-beam/proto/beam_fn_api";
export * as jobApi from "apache-beam/proto/beam_job_api";
export * as provisionApi from "apache-beam/proto/beam_provision_api";
export * as runnerApi from "apache-beam/proto/beam_runner_api";
export { MonitoringInfo } from "apache-beam/proto/metrics";
export { Struct } from "apache-beam/proto/google/protobuf/struct";
export { TYPESCRIPT_DEFAULT_ENVIRONMENT_URN as defaultEnvironmentUrn } from "apache-beam/internal/environments";

/** Names of the modules that have registered functions so far: a worker has to import them before it can run a pipeline that uses them. */
export function registeredModules(): readonly string[] {
  return [...new Set(getRegisteredModules())];
}
