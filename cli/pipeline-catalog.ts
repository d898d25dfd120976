import type { PipelineFunction } from "../beam/index.js";
import { sync } from "../pipelines/index.js";
import type { Option, ParsedOptions } from "./command.js";

/** A pipeline that can be run by name. */
export interface CatalogEntry {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
  build(options: ParsedOptions): PipelineFunction;
  /** Folder of the results; `summary.json` in it is shown afterwards. */
  outputOf(options: ParsedOptions): string;
}

const defaultInput = "examples/devices/*.idbsnap";
const defaultOutput = "out/";

/** The first is run when none is named. */
export const pipelineCatalog: readonly CatalogEntry[] = [
  {
    name: "sync",
    summary:
      "Merge the snapshots of several devices into one snapshot and one SQLite database: the latest version of each record wins.",
    options: [
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
      { name: "numShards", kind: "number", help: "Number of snapshot files.", defaultText: "1" },
    ],
    build: (options) =>
      sync({
        input: (options.input as string | undefined) ?? defaultInput,
        output: (options.output as string | undefined) ?? defaultOutput,
        by: options.by === "capturedAt" ? undefined : ((options.by as string | undefined) ?? "updatedAt"),
        stores: options.stores as readonly string[] | undefined,
        database: options.database as string | undefined,
        numShards: options.numShards as number | undefined,
      }),
    outputOf: (options) => (options.output as string | undefined) ?? defaultOutput,
  },
];
