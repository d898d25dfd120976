import {
  createRunner,
  environmentTypes,
  type PipelineRunner,
  type RunnerName,
  runnerNames,
} from "../runners/index.js";
import { dataflowFrom, dataflowOptions } from "./dataflow-options.js";
import { type Option, type ParsedOptions, UsageError } from "./command.js";

/** Options of `run` that choose the runner. */
export const runnerOptions: readonly Option[] = [
  {
    name: "runner",
    kind: "text",
    value: runnerNames.join("|"),
    help: "Where the pipeline runs.",
    defaultText: "direct",
  },
  {
    name: "jobEndpoint",
    kind: "text",
    value: "HOST:PORT",
    help: "A job server that runs already.",
    defaultText: "one is started and stopped again",
  },
  { name: "jobName", kind: "text", value: "NAME", help: "Name of the job." },
  {
    name: "parallelism",
    kind: "number",
    help: "Worker processes, and parallel tasks of the runner.",
    defaultText: "1",
  },
  {
    name: "environmentType",
    kind: "text",
    value: environmentTypes.join("|"),
    help: "How workers start: as processes of this machine; by the runner, as processes or in containers; or in a pool that runs already.",
    defaultText: "LOOPBACK",
  },
  {
    name: "environmentConfig",
    kind: "text",
    value: "TEXT",
    help: "For EXTERNAL: HOST:PORT of the worker pool. For PROCESS: path of a boot program where the runner runs (default: the one here).",
  },
  {
    name: "sdkContainerImage",
    kind: "text",
    value: "IMAGE",
    help: "For DOCKER: the image with the boot program.",
  },
  { name: "timeout", kind: "number", value: "SECONDS", help: "Cancel the job when it is not done by then." },
  {
    name: "detach",
    kind: "flag",
    help: "Start the job and leave it to the job server (see the command job).",
  },
  {
    name: "prismPath",
    kind: "text",
    value: "PATH",
    help: "prism: the program.",
    defaultText: "prism on the PATH",
  },
  {
    name: "flinkMaster",
    kind: "text",
    value: "HOST:PORT",
    help: "flink: REST address of a cluster.",
    defaultText: "a cluster inside the job server",
  },
  {
    name: "flinkJobServerJar",
    kind: "text",
    value: "PATH",
    help: "flink: a job server as one jar.",
    defaultText: "fetched with Maven",
  },
  {
    name: "sparkMasterUrl",
    kind: "text",
    value: "URL",
    help: "spark: master of a cluster.",
    defaultText: "local[*], inside the job server",
  },
  {
    name: "sparkJobServerJar",
    kind: "text",
    value: "PATH",
    help: "spark: a job server as one jar.",
    defaultText: "fetched with Maven",
  },
  ...dataflowOptions,
];

/** @throws UsageError for a name that is no runner's */
export function runnerNameOf({ runner: name = "direct" }: ParsedOptions): RunnerName {
  const runner = runnerNames.find((one) => one === name);
  if (runner) return runner;
  throw new UsageError(`There is no runner ${JSON.stringify(name)}. Runners are: ${runnerNames.join(", ")}.`);
}

/**
 * The runner that a command line asks for.
 * @throws UsageError for options that do not fit together
 */
export function runnerFrom(options: ParsedOptions, signal: AbortSignal): PipelineRunner {
  const runner = runnerNameOf(options);
  const { timeout, detach, ...rest } = Object.fromEntries(
    runnerOptions.flatMap(({ name }) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
  if (runner === "direct" && detach !== undefined)
    throw new UsageError("The direct runner runs in this process: --detach is for the others.");
  const timeoutMs = typeof timeout === "number" ? timeout * 1000 : undefined;
  try {
    return createRunner({
      ...dataflowFrom(rest),
      runner,
      timeoutMs,
      ...(runner === "direct" ? {} : { signal }),
    });
  } catch (cause) {
    throw cause instanceof TypeError ? new UsageError(cause.message, { cause }) : cause;
  }
}
