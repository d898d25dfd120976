import { checkDataflowOptions } from "./dataflow/check-dataflow-options.js";
import { type DataflowOptions, dataflowOptionNames } from "./dataflow/dataflow-options.js";
import { checkedImage } from "./portable/docker-environment.js";
import { encodePipelineOptions, type PipelineOptions } from "./portable/pipeline-options.js";
import { checkedCommand } from "./portable/process-environment.js";

/** All runners there are. */
export const runnerNames = ["direct", "prism", "flink", "spark", "python", "dataflow", "portable"] as const;
/** Name of a runner. */
export type RunnerName = (typeof runnerNames)[number];

/** All ways in which workers start. */
export const environmentTypes = ["LOOPBACK", "PROCESS", "EXTERNAL", "DOCKER"] as const;
/** How the workers of a job start. */
export type EnvironmentType = (typeof environmentTypes)[number];

/** Which runner, and how. All but `runner` are for the runners other than direct; those of DataflowOptions are for dataflow. */
export interface RunnerOptions extends Omit<DataflowOptions, "sdkContainerImage"> {
  /** Where the pipeline runs. Default "direct": in this process, with nothing but Node. */
  readonly runner?: RunnerName | undefined;
  /** `host:port` of a job server that runs already. Default: one is started for the run and stopped at its end. `portable` needs it. */
  readonly jobEndpoint?: string | undefined;
  /** Default: `beam-indexeddb-<user>-<time>-<random>`. */
  readonly jobName?: string | undefined;
  /**
   * LOOPBACK (default): workers are processes of this machine, started for the run. PROCESS: the runner starts them as processes where it runs. EXTERNAL: workers
   * of a pool that runs already. DOCKER: the runner starts them in containers. (docs/runners/environments.md)
   */
  readonly environmentType?: EnvironmentType | undefined;
  /**
   * For EXTERNAL: `host:port` of the worker pool, as the runner reaches it. For PROCESS: path of a boot program on the machines of the cluster; default: the one of
   * this package, for runners on this machine. For DOCKER: the image, when `sdkContainerImage` does not name it.
   */
  readonly environmentConfig?: string | undefined;
  /** For DOCKER and dataflow: name of an image with the boot program, as the machines of the cluster can pull it. */
  readonly sdkContainerImage?: string | undefined;
  /** Worker processes, and parallel tasks of the runner. Default 1. */
  readonly parallelism?: number | undefined;
  /** The job is cancelled when it is not done so many milliseconds after its start. Default: never. */
  readonly timeoutMs?: number | undefined;
  /** For prism: the program. Default: `prism` on the PATH. */
  readonly prismPath?: string | undefined;
  /** For flink: `host:port` of a cluster's REST interface. Default: a cluster inside the job server. */
  readonly flinkMaster?: string | undefined;
  /** For flink: a job server as one jar. Default: fetched with Maven on first use. */
  readonly flinkJobServerJar?: string | undefined;
  /** For spark: master of a cluster, such as `spark://host:7077`. Default: all cores of this machine, inside the job server. */
  readonly sparkMasterUrl?: string | undefined;
  /** For spark: a job server as one jar. Default: fetched with Maven on first use. */
  readonly sparkJobServerJar?: string | undefined;
  /** Modules that workers import beside those that registered functions: file URLs or names of packages. */
  readonly workerModules?: readonly string[] | undefined;
  /** Further options for the runner, camelCase; they go with their JSON types. */
  readonly pipelineOptions?: PipelineOptions | undefined;
  /** Where downloads of first use are kept. Default: `$XDG_CACHE_HOME/beam-indexeddb` or `~/.cache/beam-indexeddb`. */
  readonly cacheFolder?: string | undefined;
  /** Cancels the job. */
  readonly signal?: AbortSignal | undefined;
}

type Name = keyof RunnerOptions;

/** Options that only one runner has. */
const ownOptions = {
  prismPath: "prism",
  flinkMaster: "flink",
  flinkJobServerJar: "flink",
  sparkMasterUrl: "spark",
  sparkJobServerJar: "spark",
} as const satisfies Partial<Record<Name, RunnerName>>;

const dataflowNames: ReadonlySet<string> = new Set(dataflowOptionNames);

const names: ReadonlySet<string> = new Set<Name>([
  "runner",
  "jobEndpoint",
  "jobName",
  "environmentType",
  "environmentConfig",
  "sdkContainerImage",
  "parallelism",
  "timeoutMs",
  "prismPath",
  "flinkMaster",
  "flinkJobServerJar",
  "sparkMasterUrl",
  "sparkJobServerJar",
  "workerModules",
  "pipelineOptions",
  "cacheFolder",
  "signal",
  ...dataflowOptionNames,
]);

/** What other runners have, and what Dataflow has in its place. */
const insteadOnDataflow = {
  jobEndpoint: "the service is found by project and region.",
  environmentConfig: "the workers' image is sdkContainerImage.",
  parallelism: "its machines are numWorkers and maxNumWorkers.",
} as const satisfies Partial<Record<Name, string>>;

/** @throws TypeError that names the option and what is right, for anything that can't be meant */
export function checkRunnerOptions(options: RunnerOptions): void {
  const { runner = "direct", jobEndpoint, environmentType = "LOOPBACK" } = options;
  oneOf("runner", runner, runnerNames);
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  for (const name of given) {
    if (!names.has(name))
      throw new TypeError(`There is no option ${name} of runners. There are: ${[...names].join(", ")}.`);
    if (runner === "direct" && name !== "runner")
      throw new TypeError(`The direct runner has no option ${name}: everything runs in this process.`);
  }
  for (const [name, owner] of Object.entries(ownOptions)) {
    if (!given.includes(name)) continue;
    if (runner !== owner)
      throw new TypeError(`${name} is an option of the runner ${owner}, not of ${runner}.`);
    if (jobEndpoint !== undefined)
      throw new TypeError(
        `${name} is for a job server that is started for the run; the one at jobEndpoint runs already.`,
      );
  }
  for (const name of given)
    if (runner !== "dataflow" && name !== "sdkContainerImage" && dataflowNames.has(name))
      throw new TypeError(`${name} is an option of the runner dataflow, not of ${runner}.`);
  if (runner === "dataflow") {
    checkForDataflow(options, given);
    return;
  }
  if (jobEndpoint !== undefined) hostAndPort("jobEndpoint", jobEndpoint);
  else if (runner === "portable")
    throw new TypeError(
      "The runner portable needs jobEndpoint: host:port of a job server that runs already.",
    );
  oneOf("environmentType", environmentType, environmentTypes);
  checkEnvironment(options);
  wholeNumber("parallelism", options.parallelism);
  if (options.jobName === "") throw new TypeError("jobName is empty.");
  checkForAll(options);
}

function checkForAll(options: RunnerOptions): void {
  wholeNumber("timeoutMs", options.timeoutMs);
  encodePipelineOptions(options.pipelineOptions ?? {});
}

function checkForDataflow(options: RunnerOptions, given: readonly string[]): void {
  for (const [name, instead] of Object.entries(insteadOnDataflow))
    if (given.includes(name)) throw new TypeError(`The runner dataflow has no option ${name}: ${instead}`);
  const { environmentType = "DOCKER" } = options;
  if (environmentType !== "DOCKER")
    throw new TypeError(
      `Dataflow runs workers in containers only: environmentType is DOCKER there, not ${environmentType}.`,
    );
  checkDataflowOptions(options);
  checkForAll(options);
}

function checkEnvironment(options: RunnerOptions): void {
  const { runner, environmentType = "LOOPBACK", environmentConfig, sdkContainerImage } = options;
  if (sdkContainerImage !== undefined && environmentType !== "DOCKER")
    throw new TypeError(`sdkContainerImage is for environmentType DOCKER, not for ${environmentType}.`);
  if (runner === "python" && (environmentType === "PROCESS" || environmentType === "DOCKER"))
    throw new TypeError(
      `The runner python starts no workers of the environmentType ${environmentType}. Use LOOPBACK or EXTERNAL.`,
    );
  switch (environmentType) {
    case "LOOPBACK":
      if (environmentConfig !== undefined)
        throw new TypeError(`environmentType ${environmentType} takes no environmentConfig.`);
      return;
    case "EXTERNAL":
      if (environmentConfig === undefined)
        throw new TypeError("environmentType EXTERNAL needs environmentConfig: host:port of a worker pool.");
      hostAndPort("environmentConfig", environmentConfig);
      return;
    case "PROCESS":
      if (environmentConfig !== undefined) checkedCommand(environmentConfig);
      return;
    case "DOCKER":
      if (sdkContainerImage !== undefined && environmentConfig !== undefined)
        throw new TypeError("sdkContainerImage and environmentConfig both name the image: give one.");
      checkedImage(sdkContainerImage ?? environmentConfig);
  }
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new TypeError(`There is no ${name} ${JSON.stringify(value)}. Use one of: ${allowed.join(", ")}.`);
}

function hostAndPort(name: string, value: string): void {
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(value)?.[1]);
  if (!(port >= 1 && port <= 65_535))
    throw new TypeError(`${name} is host:port, not ${JSON.stringify(value)}.`);
}

function wholeNumber(name: string, value: number | undefined): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
    throw new TypeError(`${name} is a whole number of at least 1, not ${value}.`);
}
