import { metadataColumns, type TablePlan } from "../table/column.js";
import { type BigQueryDataset, quoteColumn, quoteTable } from "./bigquery-place.js";
import { deletionsTable } from "./table-schema.js";

/** A staged load, in words of SQL. */
export interface StagedLoad {
  readonly plan: TablePlan;
  /** Of the staging table: one row for each key. */
  readonly staging: string;
  readonly hardDelete: boolean;
}

/**
 * The staged rows and the version that was deleted for good, if any; rows that are no newer than it are left out. A deletion for good is never left out: it is
 * remembered before the row goes, and what is half done must be done again.
 */
function notDeletedSince(place: BigQueryDataset, { plan, staging, hardDelete }: StagedLoad): string {
  return (
    `FROM ${quoteTable(place, staging)} s LEFT JOIN ${quoteTable(place, deletionsTable)} d ON d.table_name = '${plan.table}' AND d._key = s._key ` +
    `WHERE d._version IS NULL OR d._version < s._version${hardDelete ? " OR s._deleted" : ""}`
  );
}

/** How many rows a merge would insert or replace, and delete or mark deleted, and how many there are. */
export function countSql(place: BigQueryDataset, load: StagedLoad): string {
  const gone = load.hardDelete ? "n._deleted AND t._key IS NOT NULL" : "n._deleted";
  return (
    `SELECT c.upserted, c.deleted, (SELECT COUNT(*) FROM ${quoteTable(place, load.staging)}) ` +
    `FROM (SELECT COUNTIF(NOT n._deleted) AS upserted, COUNTIF(${gone}) AS deleted ` +
    `FROM (SELECT s._key, s._version, s._deleted ${notDeletedSince(place, load)}) n ` +
    `LEFT JOIN ${quoteTable(place, load.plan.table)} t ON t._key = n._key WHERE t._version IS NULL OR t._version < n._version) c`
  );
}

/** Remembers the versions of rows that go for good, or a late redelivery would bring them back. To be done before they go; doing it again changes nothing. */
export function rememberSql(place: BigQueryDataset, { plan, staging }: StagedLoad): string {
  return (
    `MERGE INTO ${quoteTable(place, deletionsTable)} d ` +
    `USING (SELECT _key, _version FROM ${quoteTable(place, staging)} WHERE _deleted) s ` +
    `ON d.table_name = '${plan.table}' AND d._key = s._key ` +
    `WHEN MATCHED AND d._version < s._version THEN UPDATE SET _version = s._version ` +
    `WHEN NOT MATCHED THEN INSERT (table_name, _key, _version) VALUES ('${plan.table}', s._key, s._version)`
  );
}

/** Merges the staged rows into their table: each takes the place of an older version of it alone. Doing it again changes nothing. */
export function mergeSql(place: BigQueryDataset, load: StagedLoad): string {
  const { plan, hardDelete } = load;
  const names = [...metadataColumns, ...plan.columns.map(({ name }) => name)];
  const columns = names.map(quoteColumn);
  const set = columns.map((column) => `${column} = n.${column}`).join(", ");
  const put = hardDelete ? " AND NOT n._deleted" : "";
  const newer = "WHEN MATCHED AND t._version < n._version";
  return [
    `MERGE INTO ${quoteTable(place, plan.table)} t`,
    `USING (SELECT s.* ${notDeletedSince(place, load)}) n ON t._key = n._key`,
    `${newer}${put} THEN UPDATE SET ${set}`,
    ...(hardDelete ? [`${newer} AND n._deleted THEN DELETE`] : []),
    `WHEN NOT MATCHED${put} THEN INSERT (${columns.join(", ")}) VALUES (${columns.map((column) => `n.${column}`).join(", ")})`,
  ].join(" ");
}
