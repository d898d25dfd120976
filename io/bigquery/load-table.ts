import { createHash } from "node:crypto";
import { SnapshotError } from "../../snapshot/index.js";
import { nameOf } from "../file/join-path.js";
import type { RowsWritten, WriteMode } from "../table/table-engine.js";
import type { BigQueryClient } from "./bigquery-client.js";
import { countSql, mergeSql, rememberSql, type StagedLoad } from "./merge-sql.js";
import type { PreparedTable } from "./prepare-tables.js";
import { type BigQueryJob, findJob, queryConfiguration, queryRow, runJob } from "./run-job.js";
import { deleteTable, getTable, insertTable } from "./table-resource.js";
import { fieldsOf, stagingPrefix, tableLabel } from "./table-schema.js";

/** Tables that a killed run left behind go by themselves. */
const stagingLifeMs = 7 * 24 * 3600_000;
const maxRounds = 5;
/** What files of the same names may differ by. */
export interface LoadMode extends WriteMode {
  readonly versionBy?: string | undefined;
}

const countLabel = "beam-indexeddb-";

/**
 * Loads files into a staging table and merges that into the table. All jobs are named after what they do, so the same files for the same table are loaded and
 * merged once, however often and by however many this is called; from where an earlier call ended it goes on.
 * @param files On Cloud Storage; their names, without folders, tell what is in them.
 * @returns what the merge did, whoever ran it.
 */
export async function loadTable(
  client: BigQueryClient,
  table: PreparedTable,
  files: readonly string[],
  { loadId, hardDelete, versionBy = "" }: LoadMode,
): Promise<RowsWritten> {
  const { project, dataset } = client.place;
  const run = hashOf([
    project,
    dataset,
    ...partsOf(table),
    files.map(nameOf).sort(),
    loadId,
    hardDelete,
    versionBy,
  ]);
  const staging = `${stagingPrefix}${run}`;
  const load: StagedLoad = { plan: table, staging, hardDelete };
  const name = `beam-indexeddb_${run}`;
  const merging = `merge rows into the table ${table.table}`;
  for (let round = 1; ; round++) {
    // The merge is the last that a load does, and what it did is written on it.
    const done = await findJob(client, `${name}_merge`, merging);
    if (done) return finish(client, staging, done);
    try {
      await stage(client, load, files, name);
      const [upserted, deleted, staged] = await countRows(client, load);
      const counts = { upserted, deleted, unchanged: staged - upserted - deleted };
      if (hardDelete)
        await runJob(client, {
          name: `${name}_deletions`,
          configuration: queryConfiguration(rememberSql(client.place, load)),
          doing: `remember deletions from the table ${table.table}`,
        });
      const merge = await runJob(client, {
        name: `${name}_merge`,
        configuration: { labels: labelsOf(counts), ...queryConfiguration(mergeSql(client.place, load)) },
        doing: merging,
      });
      return await finish(client, staging, merge);
    } catch (error) {
      // Somebody else who had the same files to load was faster, and has tidied up.
      if (round >= maxRounds || (await getTable(client, staging))) throw error;
    }
  }
}

async function stage(
  client: BigQueryClient,
  { plan, staging }: StagedLoad,
  files: readonly string[],
  name: string,
): Promise<void> {
  const { project, dataset } = client.place;
  const schema = { fields: fieldsOf(plan).map(({ description: _, ...field }) => field) };
  // Made before it is filled, for a table is told when it goes where it is made.
  await insertTable(client, staging, {
    schema,
    labels: { [tableLabel]: "staging" },
    expirationTime: String(Date.now() + stagingLifeMs),
  });
  await runJob(client, {
    name: `${name}_load`,
    configuration: {
      load: {
        sourceUris: files,
        sourceFormat: "PARQUET",
        schema,
        destinationTable: { projectId: project, datasetId: dataset, tableId: staging },
        createDisposition: "CREATE_NEVER",
        writeDisposition: "WRITE_TRUNCATE",
      },
    },
    doing: `load files for the table ${plan.table}`,
    // A load that ran before may have filled a table that has gone since; one that was made for this call is empty.
    isUsable: async () => Number((await getTable(client, staging))?.numRows ?? 0) > 0,
  });
}

async function countRows(client: BigQueryClient, load: StagedLoad): Promise<[number, number, number]> {
  const doing = `count the new rows for the table ${load.plan.table}`;
  const row = await queryRow(client, countSql(client.place, load), doing);
  const counts = row.map(Number);
  if (counts.length === 3 && counts.every(Number.isSafeInteger)) return counts as [number, number, number];
  throw new SnapshotError(
    "STORE_UNAVAILABLE",
    `BigQuery could not ${doing}: the answer has no three counts. Is a proxy between this machine and it?`,
  );
}

async function finish(client: BigQueryClient, staging: string, merge: BigQueryJob): Promise<RowsWritten> {
  await deleteTable(client, staging);
  const labels = merge.configuration?.labels ?? {};
  const count = (what: keyof RowsWritten): number => Number(labels[countLabel + what] ?? 0);
  return { upserted: count("upserted"), deleted: count("deleted"), unchanged: count("unchanged") };
}

function labelsOf(counts: RowsWritten): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(counts).map(([what, count]) => [countLabel + what, String(count)]),
  );
}

/** In a fixed order: what is read from the bookkeeping has another one than what was just planned. */
function partsOf({ table, createdAt, columns }: PreparedTable): readonly unknown[] {
  return [
    table,
    createdAt,
    columns.map(({ name, field, variant, kind }) => [name, field ?? null, variant, kind]),
  ];
}

/** What a load depends on: another table of the name, other columns, another way to delete are another load. */
function hashOf(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 40);
}
