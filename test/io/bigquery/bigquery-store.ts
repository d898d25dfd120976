import { createHash } from "node:crypto";
import { createBigQueryClient, type BigQueryClient } from "../../../io/bigquery/bigquery-client.js";
import { loadTable } from "../../../io/bigquery/load-table.js";
import { type PreparedTable, prepareTables } from "../../../io/bigquery/prepare-tables.js";
import { StagedFormat } from "../../../io/bigquery/staged-format.js";
import { insertTable } from "../../../io/bigquery/table-resource.js";
import { bigqueryColumns, planOf } from "../../../io/bigquery/table-schema.js";
import { fileSystemOf } from "../../../io/file/file-system.js";
import { type ColumnKind, metadataColumns } from "../../../io/table/column.js";
import { quoteIdentifier } from "../../../io/table/identifier.js";
import { type DatasetStatistics, observeRecord, storeId } from "../../../io/table/store-statistics.js";
import {
  compareKeyBytes,
  compareVersions,
  isSnapshotError,
  type SnapshotRecord,
} from "../../../snapshot/index.js";
import type { StoreAdapter, StoreUnderTest, StoreWriteOptions } from "../../suites/store-suite.js";
import type { StoredTable } from "../../suites/stored-row.js";
import { type BigQueryServer, project } from "./bigquery-server.js";

/** Reads a table back and turns every cell into the type that its column stands for. */
export async function readBigQueryTable(
  server: BigQueryServer,
  dataset: string,
  store: string,
  database = "app",
): Promise<StoredTable> {
  const plan = server
    .tableNames(dataset)
    .map((table) => planOf(server.resource(dataset, table)!))
    .find((known) => known?.store === store && known.database === database);
  if (!plan) return { table: "", columns: [], rows: [], children: [] };
  const { columns, table } = plan;
  const selected = columns.map(({ name }, i) => `${quoteIdentifier(name)} AS c${i}`);
  const result = await server.connection.runAndReadAll(
    `SELECT ${[...metadataColumns, ...selected].join(", ")} FROM "${dataset}"."${table}" ORDER BY _key`,
  );
  const rows = (result.getRowObjectsJS() as Record<string, unknown>[]).map((row) => ({
    key: bytesOf(row._key),
    keyJson: row._key_json as string,
    device: row._device as string,
    version: bytesOf(row._version),
    deleted: row._deleted as boolean,
    extractedAt: (row._extracted_at as Date).getTime(),
    loadId: row._load_id as string,
    rest: row._rest as string | null,
    issues: row._issues as string | null,
    cells: Object.fromEntries(columns.map(({ name, kind }, i) => [name, cellOf(row[`c${i}`], kind)])),
  }));
  return { table, columns, rows, children: [] };
}

function cellOf(cell: unknown, kind: ColumnKind): unknown {
  if (cell === null) return null;
  if (kind === "integer") return Number(cell);
  return kind === "binary" ? bytesOf(cell) : cell;
}

function bytesOf(value: unknown): Uint8Array {
  return new Uint8Array(value as Uint8Array);
}

let places = 0;

/** The core of the connector without a pipeline around it: each bundle is a load of its own. */
export function bigqueryAdapter(servers: () => { server: BigQueryServer; folder: string }): StoreAdapter {
  return {
    name: "BigQuery",
    childTables: false,
    open: async () => {
      const { server, folder } = servers();
      const dataset = `d${++places}`;
      await server.addDataset(dataset);
      const client = createBigQueryClient({ project, dataset, location: "EU", maxAttempts: 3 });
      return {
        write: (bundles, options = {}) => writeBundles(client, `${folder}/${dataset}`, bundles, options),
        read: (name, database) => readBigQueryTable(server, dataset, name, database),
        makeForeignTable: async (name) => {
          await insertTable(client, name, {
            schema: { fields: [{ name: "x", type: "INTEGER", mode: "NULLABLE" }] },
          });
        },
        close: () => Promise.resolve(),
      };
    },
  };
}

async function writeBundles(
  client: BigQueryClient,
  folder: string,
  bundles: Parameters<StoreUnderTest["write"]>[0],
  options: StoreWriteOptions,
): ReturnType<StoreUnderTest["write"]> {
  const statistics: DatasetStatistics = new Map();
  for (const record of bundles.flat()) observeRecord(statistics, record, { limits: bigqueryColumns.limits });
  const { columns, tables } = options;
  const plans = await prepareTables(client, statistics, { columns, tables }, "evolve");
  const failed: { store: string; code: string }[] = [];
  for (const bundle of bundles) {
    for (const plan of plans) {
      const records = bundle.filter(
        ({ database, store }) => storeId(database, store) === storeId(plan.database, plan.store),
      );
      if (records.length === 0) continue;
      const { file, refused } = await writeFile(folder, plan, records, options);
      failed.push(...refused);
      await loadTable(client, plan, [file], {
        loadId: options.loadId ?? "test",
        hardDelete: options.deletes === "hard",
        versionBy: options.versionBy,
      });
    }
  }
  return { failed };
}

/** One file of a bundle's records, named after what is in it. */
async function writeFile(
  folder: string,
  plan: PreparedTable,
  records: readonly SnapshotRecord[],
  { loadId = "test", versionBy, onError }: StoreWriteOptions,
): Promise<{ readonly file: string; readonly refused: { store: string; code: string }[] }> {
  const sorted = [...records]
    .sort((a, b) => compareKeyBytes(a.keyBytes, b.keyBytes) || compareVersions(b, a, versionBy))
    .filter((record, i, all) => i === 0 || compareKeyBytes(all[i - 1]!.keyBytes, record.keyBytes) !== 0);
  const set = createHash("sha256");
  for (const { keyBytes, valueBytes, origin } of sorted)
    set.update(JSON.stringify([[...keyBytes], valueBytes ? [...valueBytes] : null, origin]));
  const file = `${folder}/${set.digest("hex")}`;
  const out = await fileSystemOf(file).create(file);
  const { database, store } = plan;
  const writer = await new StagedFormat().open(out, { database, store, plan, set: "", loadId, versionBy });
  const refused: { store: string; code: string }[] = [];
  for (const record of sorted) {
    try {
      await writer.add(record);
    } catch (error) {
      if (onError !== "failedRecords" || !isSnapshotError(error)) throw error;
      refused.push({ store: record.store, code: error.code });
    }
  }
  await writer.finish();
  await out.close();
  return { file, refused };
}
