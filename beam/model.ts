/**
 * Beam's model as the SDK generates it from its protobuf files: the messages of pipelines, of the Fn API (runner and worker) and of the
 * job API (client and job server). What runners/ speaks with; not part of the public interface.
 */
import "./node-compatibility.js";
import "apache-beam";
import { getRegisteredModules } from "apache-beam/serialization";

export * from "./messages.js";
export { TYPESCRIPT_DEFAULT_ENVIRONMENT_URN as defaultEnvironmentUrn } from "apache-beam/internal/environments";

/** Names of the modules that have registered functions so far: a worker has to import them before it can run a pipeline that uses them. */
export function registeredModules(): readonly string[] {
  return [...new Set(getRegisteredModules())];
}
