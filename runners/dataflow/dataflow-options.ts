/** What a job on Google Cloud Dataflow can be told, with the names of Beam's other SDKs. */
export interface DataflowOptions {
  /** Id of the project that runs and pays the job. Required. */
  readonly project?: string | undefined;
  /** Where the job runs, such as "europe-west1". Required. */
  readonly region?: string | undefined;
  /** `gs://bucket/path` for temporary files of the job. Required. */
  readonly tempLocation?: string | undefined;
  /** `gs://bucket/path` for the files of the job. Default: `staging` below `tempLocation`. */
  readonly stagingLocation?: string | undefined;
  /** Full name of the workers' container image in a registry. Required. */
  readonly sdkContainerImage?: string | undefined;
  /** For bills and lists of jobs. At most 64. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Machines at the start. Default: the service decides. */
  readonly numWorkers?: number | undefined;
  /** The most machines that the service may start. Default: the service's own limit. */
  readonly maxNumWorkers?: number | undefined;
  /** THROUGHPUT_BASED lets the service change the number of machines, NONE keeps `numWorkers`. Default: the service decides. */
  readonly autoscalingAlgorithm?: AutoscalingAlgorithm | undefined;
  /** Machine type, such as "n1-standard-2". Default: the service decides. */
  readonly workerMachineType?: string | undefined;
  /** Disk of each machine, in GB. Default: the service decides. */
  readonly diskSizeGb?: number | undefined;
  /** Name of a network. Default: "default". */
  readonly network?: string | undefined;
  /** `regions/REGION/subnetworks/NAME`, or the full URL of one in a shared network. */
  readonly subnetwork?: string | undefined;
  /** false: the machines have only addresses of the network. Default: the service decides. */
  readonly usePublicIps?: boolean | undefined;
  /** The account as which the workers read and write. Default: the project's Compute Engine account. */
  readonly serviceAccountEmail?: string | undefined;
  /** Region of the machines, when it is another than `region`. Not with `workerZone`. */
  readonly workerRegion?: string | undefined;
  /** Zone of the machines, such as "europe-west1-b". Default: the service decides. */
  readonly workerZone?: string | undefined;
  /** Name of a Cloud KMS key that the job's data are encrypted with. Default: Google's keys. */
  readonly dataflowKmsKey?: string | undefined;
  /** Beside those that every job has. */
  readonly experiments?: readonly string[] | undefined;
  readonly dataflowServiceOptions?: readonly string[] | undefined;
  /** `gs://bucket/path` of a classic template: it is written there, and no job is started. */
  readonly templateLocation?: string | undefined;
  /** Replace the running streaming job of the same name. Default false. */
  readonly update?: boolean | undefined;
  /** For `update`: new names of steps by their old names. */
  readonly transformNameMapping?: Readonly<Record<string, string>> | undefined;
  /**
   * Submit through the job service of Beam's Python SDK, started for the run, instead of directly. Default false. Not with templates, updates, `sdkName`,
   * `sdkVersion`, and `submit`.
   */
  readonly dataflowJobService?: boolean | undefined;
  /** Name of the SDK that the service is told. Default: that of Beam's TypeScript SDK. For the case that the service refuses it (docs/runners/dataflow.md). */
  readonly sdkName?: string | undefined;
  /** Version of the SDK that the service is told. Default: that of the SDK in use. */
  readonly sdkVersion?: string | undefined;
  /** Other than Google's, for tests. */
  readonly dataflowEndpoint?: string | undefined;
  /** Other than Google's, for tests. */
  readonly storageEndpoint?: string | undefined;
  /** Sends no credentials. For tests, with endpoints on this machine. */
  readonly noAuth?: boolean | undefined;
}

/** Ways in which the service chooses the number of machines. */
export const autoscalingAlgorithms = ["NONE", "THROUGHPUT_BASED"] as const;
/** How the service chooses the number of machines. */
export type AutoscalingAlgorithm = (typeof autoscalingAlgorithms)[number];

type Name = keyof DataflowOptions;

/** Names of all options of Dataflow. */
export const dataflowOptionNames: readonly Name[] = [
  "project",
  "region",
  "tempLocation",
  "stagingLocation",
  "sdkContainerImage",
  "labels",
  "numWorkers",
  "maxNumWorkers",
  "autoscalingAlgorithm",
  "workerMachineType",
  "diskSizeGb",
  "network",
  "subnetwork",
  "usePublicIps",
  "serviceAccountEmail",
  "workerRegion",
  "workerZone",
  "dataflowKmsKey",
  "experiments",
  "dataflowServiceOptions",
  "templateLocation",
  "update",
  "transformNameMapping",
  "dataflowJobService",
  "sdkName",
  "sdkVersion",
  "dataflowEndpoint",
  "storageEndpoint",
  "noAuth",
];
