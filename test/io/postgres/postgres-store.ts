import { type PostgresClient, connect, release } from "../../../io/postgres/connect.js";
import { postgresPlace } from "../../../io/postgres/connection.js";
import { qualified, readPostgresPlans } from "../../../io/postgres/postgres-tables.js";
import {
  type Column,
  type ColumnKind,
  childMetadataColumns,
  metadataColumns,
} from "../../../io/table/column.js";
import { quoteIdentifier } from "../../../io/table/identifier.js";
import type { StoredTable } from "../../suites/stored-row.js";

export async function withClient<T>(url: string, body: (client: PostgresClient) => Promise<T>): Promise<T> {
  const place = postgresPlace("test", url, undefined);
  const client = await connect(place);
  try {
    return await body(client);
  } finally {
    await release(place, client, false);
  }
}

/** Reads a table back and turns every cell into the type that its column stands for. */
export async function readPostgresTable(
  client: PostgresClient,
  schema: string,
  storeName: string,
  databaseName = "app",
): Promise<StoredTable> {
  const { rows: there } = await client.query("SELECT to_regclass($1)", [
    qualified(schema, "_beam_indexeddb_tables"),
  ]);
  const plans = there[0]![0] === null ? [] : await readPostgresPlans(client, schema);
  const plan = plans.find((known) => known.store === storeName && known.database === databaseName);
  if (!plan) return { table: "", columns: [], rows: [], children: [] };
  const read = async (
    table: string,
    metadata: readonly string[],
    columns: readonly Column[],
    order: string,
  ): Promise<Record<string, unknown>[]> => {
    const names = [...metadata, ...columns.map(({ name }) => name)];
    const { rows } = await client.query(
      `SELECT ${names.map(quoteIdentifier).join(", ")} FROM ${qualified(schema, table)} ORDER BY ${order}`,
    );
    return rows.map((row) => ({
      metadata: Object.fromEntries(metadata.map((name, i) => [name, row[i]])),
      cells: Object.fromEntries(
        columns.map(({ name, kind }, i) => [name, cellOf(row[metadata.length + i]!, kind)]),
      ),
    }));
  };
  const rows = (await read(plan.table, metadataColumns, plan.columns, "_key")) as unknown as {
    metadata: Record<string, string | null>;
    cells: Record<string, unknown>;
  }[];
  const children = [];
  for (const child of plan.children) {
    const items = (await read(
      child.table,
      childMetadataColumns,
      child.columns,
      "_parent_key, _list_index",
    )) as unknown as typeof rows;
    children.push({
      ...child,
      rows: items.map(({ metadata, cells }) => ({
        parentKey: bytesOf(metadata._parent_key!),
        index: Number(metadata._list_index),
        version: bytesOf(metadata._version!),
        rest: metadata._rest!,
        issues: metadata._issues!,
        cells,
      })),
    });
  }
  return {
    table: plan.table,
    columns: plan.columns,
    rows: rows.map(({ metadata, cells }) => ({
      key: bytesOf(metadata._key!),
      keyJson: metadata._key_json!,
      device: metadata._device!,
      version: bytesOf(metadata._version!),
      deleted: metadata._deleted === "t",
      extractedAt: timeOf(metadata._extracted_at!).getTime(),
      loadId: metadata._load_id!,
      rest: metadata._rest!,
      issues: metadata._issues!,
      cells,
    })),
    children,
  };
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.slice(2), "hex"));
}

/** PostgreSQL's own text, for any year: another way than the connector's to read it. */
function timeOf(text: string): Date {
  const [, years, month, day, hour, minute, second, fraction, era] =
    /^(\d+)-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(\.\d+)?\+00( BC)?$/.exec(text)!;
  const time = new Date(0);
  time.setUTCFullYear(era ? 1 - Number(years) : Number(years), Number(month) - 1, Number(day));
  time.setUTCHours(Number(hour), Number(minute), Number(second), Math.round(Number(fraction ?? 0) * 1000));
  return time;
}

function cellOf(text: string | null, kind: ColumnKind): unknown {
  if (text === null) return null;
  switch (kind) {
    case "boolean":
      return text === "t";
    case "integer":
    case "number":
      return Number(text);
    case "bigint":
      return BigInt(text);
    case "date":
      return timeOf(text);
    case "binary":
      return bytesOf(text);
    default:
      return text;
  }
}
