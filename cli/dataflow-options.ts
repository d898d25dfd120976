import type { RunnerOptions } from "../runners/index.js";
import { autoscalingAlgorithms } from "../runners/index.js";
import { type Option, type ParsedOptions, UsageError } from "./command.js";

/** Which project and region a command looks at. */
export const dataflowPlaceOptions: readonly Option[] = [
  { name: "project", kind: "text", value: "ID", help: "dataflow: the project that runs and pays the job." },
  { name: "region", kind: "text", value: "REGION", help: "dataflow: where the job runs." },
];

/** Options of `run` for Google Cloud Dataflow. */
export const dataflowOptions: readonly Option[] = [
  ...dataflowPlaceOptions,
  { name: "tempLocation", kind: "text", value: "gs://...", help: "dataflow: for temporary files." },
  {
    name: "stagingLocation",
    kind: "text",
    value: "gs://...",
    help: "dataflow: for the files of the job.",
    defaultText: "staging below --tempLocation",
  },
  {
    name: "templateLocation",
    kind: "text",
    value: "gs://...",
    help: "dataflow: write a classic template there and start no job.",
  },
  { name: "labels", kind: "list", value: "KEY=VALUE,...", help: "dataflow: labels of the job." },
  { name: "numWorkers", kind: "number", help: "dataflow: machines at the start." },
  { name: "maxNumWorkers", kind: "number", help: "dataflow: the most machines." },
  {
    name: "autoscalingAlgorithm",
    kind: "text",
    value: autoscalingAlgorithms.join("|"),
    help: "dataflow: how the number of machines changes.",
  },
  { name: "workerMachineType", kind: "text", value: "TYPE", help: "dataflow: machine type." },
  { name: "diskSizeGb", kind: "number", help: "dataflow: disk of each machine." },
  { name: "network", kind: "text", value: "NAME", help: "dataflow: network of the machines." },
  {
    name: "subnetwork",
    kind: "text",
    value: "regions/REGION/subnetworks/NAME",
    help: "dataflow: subnetwork of the machines.",
  },
  {
    name: "noUsePublicIps",
    kind: "flag",
    help: "dataflow: machines have addresses of the network only.",
  },
  { name: "serviceAccountEmail", kind: "text", value: "EMAIL", help: "dataflow: account of the workers." },
  { name: "workerRegion", kind: "text", value: "REGION", help: "dataflow: region of the machines." },
  { name: "workerZone", kind: "text", value: "ZONE", help: "dataflow: zone of the machines." },
  { name: "dataflowKmsKey", kind: "text", value: "NAME", help: "dataflow: key for the job's data." },
  { name: "experiments", kind: "list", value: "NAME[=VALUE],...", help: "dataflow: further experiments." },
  {
    name: "dataflowServiceOptions",
    kind: "list",
    value: "NAME[=VALUE],...",
    help: "dataflow: options of the service.",
  },
  { name: "update", kind: "flag", help: "dataflow: replace the running streaming job of the same name." },
  {
    name: "transformNameMapping",
    kind: "text",
    value: "JSON",
    help: "dataflow: for --update, new names of steps by their old names.",
  },
  {
    name: "dataflowJobService",
    kind: "flag",
    help: "dataflow: submit through Beam's Python job service.",
  },
  { name: "sdkName", kind: "text", value: "NAME", help: "dataflow: the SDK that the service is told." },
  { name: "sdkVersion", kind: "text", value: "VERSION", help: "dataflow: its version." },
];

/**
 * Options as a runner takes them.
 * @throws UsageError for labels that are no pairs, and for a mapping that is no JSON
 */
export function dataflowFrom(options: ParsedOptions): RunnerOptions {
  const { labels, noUsePublicIps, transformNameMapping, ...rest } = options;
  return {
    ...rest,
    ...(labels === undefined ? {} : { labels: labelsOf(labels as readonly string[]) }),
    ...(noUsePublicIps === undefined ? {} : { usePublicIps: noUsePublicIps === false }),
    ...(transformNameMapping === undefined
      ? {}
      : { transformNameMapping: mappingOf(transformNameMapping as string) }),
  };
}

function labelsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (key === undefined || value === undefined)
        throw new UsageError(`--labels has pairs like team=notes, not ${JSON.stringify(pair)}.`);
      return [key, value];
    }),
  );
}

function mappingOf(json: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, string>;
  } catch {
    // Told below.
  }
  throw new UsageError(`--transformNameMapping is a JSON object such as {"old":"new"}, not ${json}.`);
}
