import { bookkeeping } from "../table/bookkeeping.js";
import { type Column, type TablePlan, childMetadataColumns, metadataColumns } from "../table/column.js";
import { quoteIdentifier } from "../table/identifier.js";
import type { RowsWritten, TableBatch, WriteMode } from "../table/table-engine.js";
import { type Cell, type TableRow, issuesJson } from "../table/table-row.js";
import { type PostgresType, type RowColumn, bytesText, typeOfKind } from "./cell-text.js";
import type { PostgresClient } from "./connect.js";
import { lockNumber, qualified } from "./postgres-tables.js";
import { sendRows } from "./row-source.js";

const metadataTypes: readonly PostgresType[] = [
  "bytea",
  "text",
  "text",
  "bytea",
  "boolean",
  "timestamptz",
  "text",
  "json",
  "json",
];
const childTypes: readonly PostgresType[] = ["bytea", "integer", "bytea", "json", "json"];

/**
 * Writes batches in one transaction. Rows are locked in the order of their keys, tables in the order of their names: writers of overlapping keys
 * wait for each other, and never in a circle.
 */
export async function writeBatches(
  client: PostgresClient,
  schema: string,
  batches: readonly TableBatch[],
  mode: WriteMode,
): Promise<RowsWritten[]> {
  const removes = ({ rows }: TableBatch): boolean => mode.hardDelete && rows.some(({ deleted }) => deleted);
  // Whoever deletes for good has the table alone: nobody else can see a version that is only remembered before it is committed.
  const locks = batches.map(
    (batch) =>
      `SELECT pg_advisory_xact_lock${removes(batch) ? "" : "_shared"}(${lockNumber(schema, batch.plan.table)})`,
  );
  await client.run(["BEGIN ISOLATION LEVEL READ COMMITTED", ...locks].join("; "));
  const written: RowsWritten[] = [];
  for (const { plan, rows } of batches) {
    const gone = rows.filter(({ deleted }) => deleted && mode.hardDelete);
    const kept = gone.length === 0 ? rows : rows.filter(({ deleted }) => !deleted);
    const counts = await upsert(client, schema, plan, kept, mode.loadId);
    const removed = await remove(client, schema, plan, gone);
    const { upserted, deleted } = counts;
    written.push({
      upserted,
      deleted: deleted + removed,
      unchanged: rows.length - upserted - deleted - removed,
    });
  }
  await client.run("COMMIT");
  return written;
}

async function upsert(
  client: PostgresClient,
  schema: string,
  plan: TablePlan,
  rows: readonly TableRow[],
  loadId: string,
): Promise<{ readonly upserted: number; readonly deleted: number }> {
  if (rows.length === 0) return { upserted: 0, deleted: 0 };
  const columns = [...named(metadataColumns, metadataTypes), ...typed(plan.columns)];
  const source = await sendRows(
    client,
    plan.table,
    columns,
    rows.map((row) => mainCells(row, loadId)),
  );
  const names = columns.map(({ name }) => quoteIdentifier(name));
  const insert = [
    `INSERT INTO ${qualified(schema, plan.table)} AS t (${names.join(", ")})`,
    `SELECT ${source.expressions.join(", ")} FROM ${source.from}`,
    `WHERE NOT EXISTS (SELECT 1 FROM ${qualified(schema, bookkeeping.deletions)} AS d WHERE d."table" = ${textLiteral(plan.table)} AND d._key = s.c0 AND d._version >= s.c3)`,
    "ORDER BY s.c0",
    `ON CONFLICT (_key) DO UPDATE SET ${names
      .slice(1)
      .map((name) => `${name} = excluded.${name}`)
      .join(", ")} WHERE t._version < excluded._version`,
  ].join(" ");
  if (plan.children.length === 0) {
    const { rows: counted } = await client.query(
      `WITH w AS (${insert} RETURNING t._deleted) SELECT count(*), count(*) FILTER (WHERE _deleted) FROM w`,
      source.values,
    );
    const [all, deleted] = counted[0]!.map(Number) as [number, number];
    return { upserted: all - deleted, deleted };
  }
  const { rows: changed } = await client.query(`${insert} RETURNING t._key, t._deleted`, source.values);
  const keys = new Set(changed.map(([key]) => key));
  const parents = rows.filter(({ key }) => keys.has(bytesText(key)));
  await replaceChildren(client, schema, plan, parents);
  const deleted = changed.filter(([, one]) => one === "t").length;
  return { upserted: changed.length - deleted, deleted };
}

/** The lists of rows that have just been written, and are locked with them. */
async function replaceChildren(
  client: PostgresClient,
  schema: string,
  plan: TablePlan,
  parents: readonly TableRow[],
): Promise<void> {
  if (parents.length === 0) return;
  const keys = parents.map(({ key }) => bytesText(key));
  for (const [i, child] of plan.children.entries()) {
    const table = qualified(schema, child.table);
    await client.query(`DELETE FROM ${table} WHERE _parent_key = ANY($1::bytea[])`, [keys]);
    const rows = parents.flatMap(({ key, version, children }) =>
      children[i]!.map((item, index): Cell[] => [
        key,
        index,
        version,
        item.rest,
        issuesJson(item),
        ...item.cells,
      ]),
    );
    if (rows.length === 0) continue;
    const columns = [...named(childMetadataColumns, childTypes), ...typed(child.columns)];
    const source = await sendRows(client, child.table, columns, rows);
    await client.query(
      `INSERT INTO ${table} (${columns.map(({ name }) => quoteIdentifier(name)).join(", ")}) SELECT ${source.expressions.join(", ")} FROM ${source.from}`,
      source.values,
    );
  }
}

/** The versions of rows that are gone are kept, or a late redelivery would bring the rows back. @returns how many rows went. */
async function remove(
  client: PostgresClient,
  schema: string,
  plan: TablePlan,
  gone: readonly TableRow[],
): Promise<number> {
  if (gone.length === 0) return 0;
  const values = [gone.map(({ key }) => bytesText(key)), gone.map(({ version }) => bytesText(version))];
  await client.query(
    `INSERT INTO ${qualified(schema, bookkeeping.deletions)} AS d ("table", _key, _version) SELECT ${textLiteral(plan.table)}, s.k, s.v FROM unnest($1::bytea[], $2::bytea[]) AS s(k, v) ORDER BY s.k ON CONFLICT ("table", _key) DO UPDATE SET _version = excluded._version WHERE d._version < excluded._version`,
    values,
  );
  const { rows } = await client.query(
    `DELETE FROM ${qualified(schema, plan.table)} AS t USING unnest($1::bytea[], $2::bytea[]) AS s(k, v) WHERE t._key = s.k AND t._version < s.v RETURNING t._key`,
    values,
  );
  const keys = rows.map(([key]) => key);
  for (const child of plan.children)
    await client.query(`DELETE FROM ${qualified(schema, child.table)} WHERE _parent_key = ANY($1::bytea[])`, [
      keys,
    ]);
  return keys.length;
}

function mainCells(row: TableRow, loadId: string): Cell[] {
  const { key, keyJson, device, version, deleted, extractedAt, rest, cells } = row;
  return [key, keyJson, device, version, deleted, extractedAt, loadId, rest, issuesJson(row), ...cells];
}

function named(names: readonly string[], types: readonly PostgresType[]): RowColumn[] {
  return names.map((name, i) => ({ name, type: types[i]! }));
}

function typed(columns: readonly Column[]): RowColumn[] {
  return columns.map(({ name, kind }) => ({ name, type: typeOfKind[kind] }));
}

/** standard_conforming_strings is on, so that nothing but quotes means anything. */
function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
