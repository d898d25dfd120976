import { join } from "node:path";
import { type JobService, type ServiceOptions, startJobService } from "../service/job-service.js";
import { pythonEnvironment } from "../service/python.js";
import type { DataflowOptions } from "./dataflow-options.js";

/** The service takes no whole numbers from requests ("Expected type int, found 2.0"), but it takes them from its command line. */
const program = `import sys
port, staging, sys.argv = sys.argv[1], sys.argv[2], ["job-service"] + sys.argv[3:]
from apache_beam.runners.dataflow import dataflow_job_service
dataflow_job_service.run(["--port", port, "--staging_dir", staging])`;

/** Starts the job service of Beam's Python SDK for Dataflow, from a virtual environment in the cache. Its jobs have these options. */
export async function startDataflowJobService(
  options: DataflowOptions,
  service: ServiceOptions,
): Promise<JobService> {
  const environment = await pythonEnvironment(service, "gcp");
  return startJobService(
    1,
    ([port], scratchFolder) => ({
      title: "Beam's Python job service for Dataflow",
      command: join(environment, "bin/python"),
      args: [
        "-W",
        "ignore",
        "-c",
        program,
        String(port),
        join(scratchFolder, "staging"),
        ...flagsOf(options),
      ],
      env: { TMPDIR: scratchFolder, PYTHONUNBUFFERED: "1" },
    }),
    service.signal,
  );
}

/** Options as Beam's Python SDK has them on its command line. */
export function flagsOf(options: DataflowOptions): string[] {
  const { labels = {}, experiments = [], dataflowServiceOptions = [], usePublicIps } = options;
  const values = {
    project: options.project,
    region: options.region,
    temp_location: options.tempLocation,
    staging_location: options.stagingLocation,
    num_workers: options.numWorkers,
    max_num_workers: options.maxNumWorkers,
    autoscaling_algorithm: options.autoscalingAlgorithm,
    machine_type: options.workerMachineType,
    disk_size_gb: options.diskSizeGb,
    network: options.network,
    subnetwork: options.subnetwork,
    service_account_email: options.serviceAccountEmail,
    worker_region: options.workerRegion,
    worker_zone: options.workerZone,
    dataflow_kms_key: options.dataflowKmsKey,
    dataflow_endpoint: options.dataflowEndpoint,
  };
  return [
    ...Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
    ...(usePublicIps === undefined ? [] : [usePublicIps ? "--use_public_ips" : "--no_use_public_ips"]),
    ...(options.noAuth === true ? ["--no_auth"] : []),
    ...Object.entries(labels).map(([key, value]) => `--labels=${key}=${value}`),
    ...[...experiments, "use_sibling_sdk_workers"].map((one) => `--experiments=${one}`),
    ...dataflowServiceOptions.map((one) => `--dataflow_service_options=${one}`),
  ];
}
