/**
 * The messages of Beam's model, as the SDK generates them from its protobuf files: what goes over the wire between submitter, job server, runner
 * and worker. Only the messages: a program that builds and runs no pipeline does not wait for the rest of the SDK.
 */
import "./node-compatibility.js";

export * as artifactApi from "apache-beam/proto/beam_artifact_api";
export * as fnApi from "apache-beam/proto/beam_fn_api";
export * as jobApi from "apache-beam/proto/beam_job_api";
export * as provisionApi from "apache-beam/proto/beam_provision_api";
export * as runnerApi from "apache-beam/proto/beam_runner_api";
export { MonitoringInfo } from "apache-beam/proto/metrics";
export { Struct } from "apache-beam/proto/google/protobuf/struct";
