import { setTimeout as delay } from "node:timers/promises";
import { randomUUID } from "node:crypto";
import { SnapshotError } from "../../snapshot/index.js";
import { metadataColumns, type TablePlan } from "../table/column.js";
import { planTables } from "../table/plan-tables.js";
import type { DatasetStatistics } from "../table/store-statistics.js";
import type { TableWishes } from "../table/table-engine.js";
import type { BigQueryClient } from "./bigquery-client.js";
import { quoteColumn, quoteTable } from "./bigquery-place.js";
import { queryConfiguration, runJob } from "./run-job.js";
import { getTable, insertTable, listTables, replaceTable, type TableResource } from "./table-resource.js";
import {
  bigqueryColumns,
  deletionsFields,
  deletionsTable,
  fieldOf,
  fieldsOf,
  hasRoomFor,
  hasRoomForStore,
  planOf,
  tableDescription,
  tableLabel,
} from "./table-schema.js";

/** What happens with new properties of a store whose table exists: they get columns, or the job fails. */
export type SchemaUpdate = "evolve" | "freeze";

/** A table that is there, and which one: a table that was deleted and made again is another one. */
export interface PreparedTable extends TablePlan {
  readonly createdAt: string;
}

const maxRounds = 20;

/**
 * Makes what is missing: tables for stores that have none, columns for new properties, each table at once. Others may do so at the same time.
 * @throws SnapshotError STORE_CONSTRAINT when something of that name exists that is not ours, or a frozen table lacks columns.
 */
export async function prepareTables(
  client: BigQueryClient,
  statistics: DatasetStatistics,
  wishes: TableWishes,
  schemaUpdate: SchemaUpdate,
): Promise<PreparedTable[]> {
  dropUnspeakable(statistics);
  for (let round = 1; round <= maxRounds; round++) {
    const prepared = await prepareOnce(client, statistics, wishes, schemaUpdate);
    if (prepared) return prepared;
    await delay(Math.random() * 50 * round);
  }
  throw new SnapshotError(
    "STORE_UNAVAILABLE",
    `The tables of ${client.place.project}.${client.place.dataset} were changed by others each of the ${maxRounds} times that columns were to be added. Run it again when less is going on there.`,
  );
}

/** @returns undefined when somebody else changed a table meanwhile. */
async function prepareOnce(
  client: BigQueryClient,
  statistics: DatasetStatistics,
  wishes: TableWishes,
  schemaUpdate: SchemaUpdate,
): Promise<PreparedTable[] | undefined> {
  const listed = await listTables(client);
  if (!listed.some(({ tableReference }) => tableReference.tableId === deletionsTable))
    await insertTable(client, deletionsTable, {
      schema: { fields: deletionsFields },
      description: "Versions of records that were deleted for good, so that late redeliveries stay deleted.",
    });
  const resources = new Map<string, TableResource>();
  const existing: TablePlan[] = [];
  for (const { tableReference, labels } of listed) {
    if (labels?.[tableLabel] !== "table") continue;
    const resource = await getTable(client, tableReference.tableId);
    const plan = resource && planOf(resource);
    if (!plan) continue;
    existing.push(plan);
    resources.set(plan.table, resource);
  }
  const plans = planTables(statistics, existing, { ...wishes, ...bigqueryColumns });
  const prepared: PreparedTable[] = [];
  for (const plan of plans) {
    const resource = resources.get(plan.table);
    const table = await (resource
      ? evolveTable(client, plan, resource, schemaUpdate)
      : createTable(client, plan, listed));
    if (!table) return undefined;
    prepared.push({ ...plan, createdAt: table.creationTime ?? "" });
  }
  return prepared;
}

/** Properties whose names are longer than what a description holds get no column: their values go to `_rest`. */
function dropUnspeakable(statistics: DatasetStatistics): void {
  for (const { database, store, fields } of statistics.values()) {
    if (!hasRoomForStore(database, store))
      throw new SnapshotError(
        "STORE_CONSTRAINT",
        "The names of an object store and its database have over 16,000 characters together, more than the description of a BigQuery table holds. Rename the store in a step before the sink.",
      );
    for (const field of [...fields.keys()]) if (!hasRoomFor(field)) fields.delete(field);
  }
}

async function createTable(
  client: BigQueryClient,
  plan: TablePlan,
  listed: readonly Pick<TableResource, "tableReference">[],
): Promise<TableResource | undefined> {
  const wanted = plan.table.toLowerCase();
  if (listed.some(({ tableReference }) => tableReference.tableId.toLowerCase() === wanted))
    throw new SnapshotError(
      "STORE_CONSTRAINT",
      `The dataset already has a table or view "${plan.table}" that this package did not make. Give the store another table: tables: { ${JSON.stringify(plan.store)}: "..." }.`,
      { store: plan.store },
    );
  return insertTable(client, plan.table, {
    description: tableDescription(plan),
    labels: { [tableLabel]: "table" },
    schema: { fields: fieldsOf(plan) },
  });
}

async function evolveTable(
  client: BigQueryClient,
  plan: TablePlan,
  resource: TableResource,
  schemaUpdate: SchemaUpdate,
): Promise<TableResource | undefined> {
  const before = planOf(resource)!;
  const kinds = new Map(before.columns.map(({ name, kind }) => [name, kind]));
  const missing = plan.columns.filter(({ name }) => !kinds.has(name));
  const widened = plan.columns.filter(({ name, kind }) => kinds.has(name) && kinds.get(name) !== kind);
  if (missing.length === 0 && widened.length === 0) return resource;
  if (schemaUpdate === "freeze") throw frozen(plan, missing, widened);
  const fields = resource.schema?.fields ?? [];
  const foreign = new Set(
    fields.map(({ name }) => name).filter((name) => !kinds.has(name) && !isMetadata(name)),
  );
  for (const { name } of missing)
    if ([...foreign].some((other) => other.toLowerCase() === name.toLowerCase()))
      throw new SnapshotError(
        "STORE_CONSTRAINT",
        `The table "${plan.table}" has a column "${name}" that this package did not make, and a property of the object store wants it. Rename the column.`,
        { store: plan.store },
      );
  for (const { name } of widened) await widenColumn(client, plan.table, name);
  // The type of a column changes by a statement, which makes another version of the resource.
  const current = widened.length > 0 ? await getTable(client, plan.table) : resource;
  if (missing.length === 0 || !current) return current;
  return replaceTable(client, {
    ...current,
    schema: { ...current.schema, fields: [...(current.schema?.fields ?? []), ...missing.map(fieldOf)] },
  });
}

/** Every safe integer is a FLOAT64 of the same value. Done again it changes nothing. */
async function widenColumn(client: BigQueryClient, table: string, column: string): Promise<void> {
  await runJob(client, {
    name: `beam-indexeddb_widen_${randomUUID()}`,
    configuration: queryConfiguration(
      `ALTER TABLE ${quoteTable(client.place, table)} ALTER COLUMN ${quoteColumn(column)} SET DATA TYPE FLOAT64`,
    ),
    doing: `make the column ${column} of the table ${table} FLOAT64`,
  });
}

function isMetadata(name: string): boolean {
  return (metadataColumns as readonly string[]).includes(name);
}

function frozen(
  { store, table }: TablePlan,
  missing: TablePlan["columns"],
  widened: TablePlan["columns"],
): SnapshotError {
  const names = (columns: TablePlan["columns"]): string =>
    columns
      .slice(0, 10)
      .map(({ name, kind }) => `${name} (${kind})`)
      .join(", ") + (columns.length > 10 ? ` and ${columns.length - 10} more` : "");
  const changes = [
    ...(missing.length > 0 ? [`it lacks the columns ${names(missing)}`] : []),
    ...(widened.length > 0 ? [`these columns would have to be widened: ${names(widened)}`] : []),
  ];
  return new SnapshotError(
    "STORE_CONSTRAINT",
    `The table "${table}" is frozen, and the records do not fit it: ${changes.join("; ")}. Nothing was written. Give columns (the rest goes to _rest), or leave schemaUpdate at "evolve".`,
    { store },
  );
}
