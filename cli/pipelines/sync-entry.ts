import { remotePath } from "../../io/file/join-path.js";
import { type StoreSummaryLine, sync } from "../../pipelines/index.js";
import { countText } from "../progress.js";
import { printable, textTable } from "../table.js";
import type { CatalogEntry, PipelineResult } from "./catalog-entry.js";
import { mergeOptions, mergeSettings, outputOf } from "./merge-options.js";

export const syncEntry: CatalogEntry = {
  name: "sync",
  summary:
    "Merge the snapshots of several devices into one snapshot and one SQLite database: the latest version of each record wins.",
  options: [
    ...mergeOptions,
    { name: "numShards", kind: "number", help: "Number of snapshot files.", defaultText: "1" },
  ],
  build: (options) => sync({ ...mergeSettings(options), numShards: options.numShards as number | undefined }),
  outputOf,
  hasSummary: true,
  resultText,
};

function resultText({ runner, output, seconds, ...result }: PipelineResult): string {
  const summary = result.summary as readonly StoreSummaryLine[];
  if (summary.length === 0)
    return `sync on ${runner}: done in ${seconds.toFixed(1)} s. Its output is at ${output}, where the workers see that.\n`;
  const devices = [...new Set(summary.flatMap((line) => line.devices))].sort();
  const rows = summary.map((line) => [
    line.store,
    line.devices.length,
    line.read,
    line.superseded,
    line.merged,
    line.deleted,
  ]);
  const folder = output.endsWith("/") ? output : `${output}/`;
  return [
    `sync on ${runner}: ${devices.length} devices merged in ${seconds.toFixed(1)} s.\n`,
    textTable(["object store", "devices", "read", "superseded", "merged", "deleted"], rows),
    ...collisionWarning(summary),
    `  ${folder}merged-*.idbsnap   the merged database: load it with importDB, look at it with: npx beam-indexeddb inspect ${folder}merged-00000-of-00001.idbsnap`,
    remotePath(output)
      ? "  (no merged.sqlite: SQLite works on local disks alone)"
      : `  ${folder}merged.sqlite      one table an object store`,
    `  ${folder}summary.json       these counts`,
    "",
  ].join("\n");
}

/** A merge by key takes what devices numbered on their own for versions of one record: that must not go unnoticed. */
function collisionWarning(summary: readonly StoreSummaryLine[]): string[] {
  const collided = summary.filter(({ generatedKeyCollisions }) => generatedKeyCollisions > 0);
  if (collided.length === 0) return [];
  const stores = collided.map(
    ({ store, generatedKeyCollisions: count }) => `${printable(store)} (${countText(count)} keys)`,
  );
  return [
    `  Beware: devices hold different contents under the same generated key in ${stores.join(", ")}. Stores with autoIncrement number their records on each device alone,`,
    "  so these may be different records, and only the latest of each key was kept. Leave such stores out with --stores=NAME,..., or give their records a key that",
    "  is unique across devices (crypto.randomUUID()).\n",
  ];
}
