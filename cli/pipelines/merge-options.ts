import type { Option, ParsedOptions } from "../command.js";

export const defaultInput = "examples/devices/*.idbsnap";
export const defaultOutput = "out/";

/** Options of every pipeline that merges the snapshots of devices. */
export const mergeOptions: readonly Option[] = [
  {
    name: "input",
    kind: "text",
    value: "PATTERN",
    help: "Snapshot files of the devices.",
    defaultText: defaultInput,
  },
  {
    name: "output",
    kind: "text",
    value: "FOLDER",
    help: "Where the results go.",
    defaultText: defaultOutput,
  },
  {
    name: "by",
    kind: "text",
    value: "PATH",
    help: "Path of the time of the last change in each value, or capturedAt for the time of capture.",
    defaultText: "updatedAt",
  },
  {
    name: "stores",
    kind: "list",
    value: "NAME,...",
    help: "Only these object stores.",
    defaultText: "all",
  },
  {
    name: "database",
    kind: "text",
    value: "NAME",
    help: "Name of the merged database, when the devices' differ.",
  },
];

export interface MergeSettings {
  readonly input: string;
  readonly output: string;
  readonly by: string | undefined;
  readonly stores: readonly string[] | undefined;
  readonly database: string | undefined;
}

/** Their values, with the defaults. */
export function mergeSettings(options: ParsedOptions): MergeSettings {
  return {
    input: (options.input as string | undefined) ?? defaultInput,
    output: outputOf(options),
    by: options.by === "capturedAt" ? undefined : ((options.by as string | undefined) ?? "updatedAt"),
    stores: options.stores as readonly string[] | undefined,
    database: options.database as string | undefined,
  };
}

/** The folder of the results. */
export function outputOf(options: ParsedOptions): string {
  return (options.output as string | undefined) ?? defaultOutput;
}
