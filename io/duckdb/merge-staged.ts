import { bookkeeping } from "../table/bookkeeping.js";
import { childMetadataColumns, type Column, metadataColumns, type TablePlan } from "../table/column.js";
import { quoteIdentifier } from "../table/identifier.js";
import type { RowsWritten, WriteMode } from "../table/table-engine.js";
import type { OpenDuckdb } from "./open-duckdb.js";
import { stagedItems, stagedRows } from "./stage-rows.js";

/** The staged rows that are newer than what the table has or remembers as deleted, and whether it has a row of their key. */
const newerTable = "_beam_indexeddb_newer_rows";
const newer = `temp.${newerTable}`;

/** Merges the staged rows into their table. Call it in a transaction. */
export async function mergeStaged(
  { connection }: OpenDuckdb,
  plan: TablePlan,
  { hardDelete }: WriteMode,
): Promise<RowsWritten> {
  const table = inFile(plan.table);
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${newerTable} AS
     SELECT s.*, t._key IS NOT NULL AS _is_there
     FROM ${stagedRows} s
     LEFT JOIN ${table} t ON t._key = s._key
     LEFT JOIN main.${bookkeeping.deletions} d ON d."table" = ? AND d._key = s._key
     WHERE (t._version IS NULL OR t._version < s._version) AND (d._version IS NULL OR d._version < s._version)`,
    [plan.table],
  );
  const counts = await countsOf(connection, hardDelete);
  await connection.run(`DELETE FROM ${table} WHERE _key IN (SELECT _key FROM ${newer})`);
  const names = namesOf(metadataColumns, plan.columns);
  await connection.run(
    `INSERT INTO ${table} (${names}) SELECT ${names} FROM ${newer}${hardDelete ? " WHERE NOT _deleted" : ""}`,
  );
  if (hardDelete) await rememberDeletions(connection, plan.table);
  for (const [number, child] of plan.children.entries()) {
    const items = inFile(child.table);
    const columns = namesOf(childMetadataColumns, child.columns);
    await connection.run(`DELETE FROM ${items} WHERE _parent_key IN (SELECT _key FROM ${newer})`);
    await connection.run(
      `INSERT INTO ${items} (${columns}) SELECT ${columns} FROM ${stagedItems(number)} WHERE _parent_key IN (SELECT _key FROM ${newer})`,
    );
  }
  return counts;
}

async function countsOf(connection: OpenDuckdb["connection"], hardDelete: boolean): Promise<RowsWritten> {
  // A row that is not there can't go.
  const gone = hardDelete ? "_deleted AND _is_there" : "_deleted";
  const result = await connection.runAndReadAll(
    `SELECT count(*) FILTER (NOT _deleted), count(*) FILTER (${gone}), (SELECT count(*) FROM ${stagedRows}) FROM ${newer}`,
  );
  const [upserted, deleted, staged] = result.getRowsJS()[0]!.map(Number) as [number, number, number];
  return { upserted, deleted, unchanged: staged - upserted - deleted };
}

/** The version of a row that is gone is kept, or a late redelivery would bring the row back. */
async function rememberDeletions(connection: OpenDuckdb["connection"], table: string): Promise<void> {
  await connection.run(
    `DELETE FROM main.${bookkeeping.deletions} WHERE "table" = ? AND _key IN (SELECT _key FROM ${newer} WHERE _deleted)`,
    [table],
  );
  await connection.run(
    `INSERT INTO main.${bookkeeping.deletions} SELECT ?, _key, _version FROM ${newer} WHERE _deleted`,
    [table],
  );
}

function namesOf(metadata: readonly string[], columns: readonly Column[]): string {
  return [...metadata, ...columns.map(({ name }) => name)].map(quoteIdentifier).join(", ");
}

/** Without the schema, a temporary table of that name would be meant. */
function inFile(table: string): string {
  return `main.${quoteIdentifier(table)}`;
}
