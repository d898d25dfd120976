import { type LoadSummaryLine, toDatabase, toWarehouse } from "../../pipelines/index.js";
import { type Option, type ParsedOptions, UsageError } from "../command.js";
import { printable, textTable } from "../table.js";
import type { CatalogEntry, PipelineResult } from "./catalog-entry.js";
import { mergeOptions, mergeSettings, outputOf } from "./merge-options.js";
import { queriesFor } from "./example-queries.js";

const destinationHelp =
  "Where each object store gets a table, or files: postgres://USER@HOST/DATABASE (the password comes from PGPASSWORD or a password file), sqlite:FILE, duckdb:FILE, bigquery:PROJECT.DATASET, parquet:FOLDER, jsonl:FOLDER, csv:FOLDER, avro:FOLDER. Several, with commas, are filled in one run.";

const deletes = (kept: string): Option => ({
  name: "deletes",
  kind: "text",
  value: "soft|hard",
  help: "soft: rows of deleted records stay, marked _deleted. hard: they go.",
  defaultText: kept,
});

const destinationOption = (defaultText: string): Option => ({
  name: "destination",
  kind: "list",
  value: "PLACE,...",
  help: destinationHelp,
  defaultText,
});

const stagingOption: Option = {
  name: "staging",
  kind: "text",
  value: "gs://BUCKET/FOLDER/",
  help: "For bigquery: the folder for the files that it loads.",
};

/** What is there now, for an app's server. */
export const toDatabaseEntry: CatalogEntry = {
  name: "toDatabase",
  summary: "Merge the snapshots of several devices and bring each object store into a table of a database.",
  options: [...mergeOptions, destinationOption("sqlite:out/app.sqlite"), deletes("hard"), stagingOption],
  build: (options) =>
    toDatabase({ ...loadSettings(options, ["sqlite:app.sqlite"]), deletes: deletesOf(options) }),
  outputOf,
  hasSummary: true,
  resultText: (result) => loadText("toDatabase", result),
};

/** For analysis. */
export const toWarehouseEntry: CatalogEntry = {
  name: "toWarehouse",
  summary:
    "Merge the snapshots of several devices and load each object store into a warehouse, ready for SQL.",
  options: [
    ...mergeOptions,
    destinationOption("duckdb:out/warehouse.duckdb,parquet:out/parquet"),
    deletes("soft"),
    stagingOption,
  ],
  build: (options) =>
    toWarehouse({
      ...loadSettings(options, ["duckdb:warehouse.duckdb", "parquet:parquet"]),
      deletes: deletesOf(options),
    }),
  outputOf,
  hasSummary: true,
  resultText: (result) => loadText("toWarehouse", result),
};

/** @param inOutput Destinations when none is named, their paths in the output folder. */
function loadSettings(options: ParsedOptions, inOutput: readonly string[]) {
  const folder = outputOf(options).replace(/\/*$/, "/");
  const destinations =
    (options.destination as readonly string[] | undefined) ??
    inOutput.map((destination) => destination.replace(":", () => `:${folder}`));
  return { ...mergeSettings(options), destinations, staging: options.staging as string | undefined };
}

function deletesOf({ deletes: chosen }: ParsedOptions): "soft" | "hard" | undefined {
  if (chosen === undefined || chosen === "soft" || chosen === "hard") return chosen;
  throw new UsageError(`--deletes is soft or hard, not ${JSON.stringify(chosen)}.`);
}

function loadText(name: string, { runner, output, seconds, summary }: PipelineResult): string {
  const lines = summary as readonly LoadSummaryLine[];
  if (lines.length === 0)
    return `${name} on ${runner}: done in ${seconds.toFixed(1)} s. What there was is where the workers see ${output}, or there was nothing to load.\n`;
  const rows = lines.map(({ kind, store, target, written, deleted, unchanged }) => [
    kind,
    printable(store),
    printable(target),
    written,
    deleted,
    unchanged,
  ]);
  return [
    `${name} on ${runner}: ${lines.length} tables or files in ${seconds.toFixed(1)} s.\n`,
    textTable(["destination", "object store", "table or file", "written", "deleted", "unchanged"], rows),
    ...queriesFor(lines),
    "",
  ].join("\n");
}
