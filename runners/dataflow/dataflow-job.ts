import { runnerApi, Struct } from "../../beam/model.js";
import { encodePipelineOptions, type PipelineOptions } from "../portable/pipeline-options.js";
import type { DataflowOptions } from "./dataflow-options.js";
import { usedEnvironments } from "./dataflow-pipeline.js";
import { below, gcsUrl, type GcsLocation, storagePath } from "./gcs-location.js";

/** A job as Dataflow's REST interface takes it. */
export interface DataflowJob {
  readonly name: string;
  readonly type: "JOB_TYPE_BATCH" | "JOB_TYPE_STREAMING";
  /** By which two requests for one job are told from requests for two. */
  readonly clientRequestId: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the running job that this one replaces. */
  readonly replaceJobId?: string;
  readonly transformNameMapping?: Readonly<Record<string, string>>;
  readonly environment: DataflowEnvironment;
}

/** How and where a job runs. */
export interface DataflowEnvironment {
  readonly workerPools: readonly WorkerPool[];
  readonly sdkPipelineOptions: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** The machines of a job. */
export interface WorkerPool {
  readonly sdkHarnessContainerImages: readonly Readonly<Record<string, unknown>>[];
  readonly [field: string]: unknown;
}

/** What a job is made of. */
export interface JobParts {
  readonly options: DataflowOptions & { readonly project: string; readonly region: string };
  readonly jobName: string;
  readonly clientRequestId: string;
  /** With its environments and their files in place. */
  readonly pipeline: runnerApi.Pipeline;
  /** Where the pipeline lies, and its sha256 in hexadecimal. */
  readonly pipelineLocation: GcsLocation;
  readonly pipelineSha256: string;
  readonly temp: GcsLocation;
  readonly staging: GcsLocation;
  readonly artifacts: readonly { readonly stagedName: string; readonly location: GcsLocation }[];
  readonly streaming: boolean;
  readonly replaceJobId?: string | undefined;
  readonly pipelineOptions?: PipelineOptions | undefined;
}

/** Name and version by which the service knows the SDK, unless options say otherwise. */
export const sdk = { name: "Apache Beam SDK for TypeScript", version: "2.49.0" };

const multiCore = "beam:protocol:multi_core_bundle_processing:v1";
const everyJobs = ["beam_fn_api", "use_unified_worker", "use_runner_v2", "use_portable_job_submission"];
const streamingJobs = ["enable_streaming_engine", "enable_windmill_service"];

/** Describes a job for Runner v2: its steps are in the pipeline that was uploaded, its workers in containers. */
export function describeDataflowJob(parts: JobParts): DataflowJob {
  const { options, jobName, clientRequestId, streaming, replaceJobId } = parts;
  const { labels, transformNameMapping } = options;
  return defined({
    name: jobName,
    type: streaming ? "JOB_TYPE_STREAMING" : "JOB_TYPE_BATCH",
    clientRequestId,
    labels,
    replaceJobId,
    transformNameMapping,
    environment: environment(parts),
  });
}

function environment(parts: JobParts): DataflowEnvironment {
  const { options, streaming, temp } = parts;
  const serviceOptions = options.dataflowServiceOptions ?? [];
  return defined({
    clusterManagerApiService: "compute.googleapis.com",
    dataset: "bigquery.googleapis.com/cloud_dataflow",
    tempStoragePrefix: storagePath(temp),
    userAgent: { name: options.sdkName ?? sdk.name, version: options.sdkVersion ?? sdk.version },
    // By it the service decides what it expects of workers.
    version: { job_type: streaming ? "FNAPI_STREAMING" : "FNAPI_BATCH", major: "8" },
    experiments: experiments(parts),
    serviceOptions: serviceOptions.length > 0 ? serviceOptions : undefined,
    serviceAccountEmail: options.serviceAccountEmail,
    serviceKmsKeyName: options.dataflowKmsKey,
    workerRegion: options.workerRegion,
    workerZone: options.workerZone,
    workerPools: [workerPool(parts)],
    sdkPipelineOptions: { options: sdkOptions(parts), display_data: displayData(parts) },
  });
}

function experiments({ options, streaming }: JobParts): string[] {
  const own = options.experiments ?? [];
  const all = [...own, "use_sibling_sdk_workers", ...everyJobs, ...(streaming ? streamingJobs : [])];
  if (!own.includes("no_use_multiple_sdk_containers")) all.push("use_multiple_sdk_containers");
  return [...new Set(all)];
}

function workerPool(parts: JobParts): WorkerPool {
  const { options, pipeline, artifacts, streaming } = parts;
  const images = usedEnvironments(pipeline).map(([environmentId, { payload, capabilities }]) => ({
    containerImage: runnerApi.DockerPayload.fromBinary(payload).containerImage,
    environmentId,
    useSingleCorePerContainer: !capabilities.includes(multiCore),
    capabilities,
  }));
  const { usePublicIps, maxNumWorkers, autoscalingAlgorithm } = options;
  return defined({
    kind: "harness",
    packages: artifacts.map(({ stagedName, location }) => ({
      name: stagedName,
      location: storagePath(location),
    })),
    numWorkers: options.numWorkers,
    machineType: options.workerMachineType,
    diskSizeGb: options.diskSizeGb,
    network: options.network,
    subnetwork: options.subnetwork,
    ipConfiguration:
      usePublicIps === undefined ? undefined : usePublicIps ? "WORKER_IP_PUBLIC" : "WORKER_IP_PRIVATE",
    autoscalingSettings: defined({
      maxNumWorkers,
      algorithm: autoscalingAlgorithm === undefined ? undefined : algorithms[autoscalingAlgorithm],
    }),
    taskrunnerSettings: {
      parallelWorkerSettings: {
        baseUrl: "https://dataflow.googleapis.com",
        servicePath: options.dataflowEndpoint ?? "https://dataflow.googleapis.com",
      },
    },
    sdkHarnessContainerImages: images,
    // With one image, the service wants it here as well.
    workerHarnessContainerImage: images.length === 1 ? images[0]!.containerImage : undefined,
    dataDisks: streaming ? [{}] : undefined,
  });
}

const algorithms = {
  NONE: "AUTOSCALING_ALGORITHM_NONE",
  THROUGHPUT_BASED: "AUTOSCALING_ALGORITHM_BASIC",
} as const;

/** What the service shows, and what workers are told: nothing of it is a secret. */
function sdkOptions(parts: JobParts): Record<string, unknown> {
  const { options, jobName, pipelineLocation, pipelineSha256, temp, staging, streaming } = parts;
  const encoded = Struct.toJson(
    encodePipelineOptions({
      ...parts.pipelineOptions,
      streaming,
      project: options.project,
      region: options.region,
      jobName,
      tempLocation: gcsUrl(temp),
      stagingLocation: gcsUrl(staging),
      sdkContainerImage: options.sdkContainerImage,
      experiments: experiments(parts),
    }),
  ) as Record<string, unknown>;
  const plain = Object.entries(encoded).map(([key, value]) => [key.split(":").at(-2)!, value] as const);
  return {
    ...Object.fromEntries(plain),
    pipelineUrl: gcsUrl(pipelineLocation),
    pipelineProtoHash: pipelineSha256,
  };
}

function displayData(parts: JobParts): readonly Record<string, unknown>[] {
  const hidden = new Set(["registered_node_modules", "pipelineUrl", "pipelineProtoHash"]);
  return Object.entries(sdkOptions(parts)).flatMap(([key, value]) =>
    hidden.has(key) ? [] : [{ key, namespace: "beam-indexeddb/runners", ...displayValue(value) }],
  );
}

function displayValue(value: unknown): { type: string; value: unknown } {
  if (typeof value === "boolean") return { type: "BOOLEAN", value };
  if (typeof value === "number") return { type: Number.isInteger(value) ? "INTEGER" : "FLOAT", value };
  return { type: "STRING", value: typeof value === "string" ? value : JSON.stringify(value) };
}

type Defined<T> = { readonly [Name in keyof T]: Exclude<T[Name], undefined> };

function defined<const T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** Where the temporary files of one job go: two jobs at once must not share them. */
export function jobFolder(location: GcsLocation, jobName: string, clientRequestId: string): GcsLocation {
  return below(location, `${jobName}.${clientRequestId}`);
}
