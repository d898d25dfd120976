import { type PCollection, groupBy, registerFunctions, withName } from "../../beam/index.js";
import type { TablePlan } from "./column.js";
import type { RowsWritten } from "./table-engine.js";

/** What happened to one table's rows; equal versions that were there before count as unchanged. */
export interface TableCounts extends RowsWritten {
  readonly database: string;
  readonly store: string;
  readonly table: string;
}

export function noCounts({ database, store, table }: TablePlan): TableCounts {
  return { database, store, table, upserted: 0, deleted: 0, unchanged: 0 };
}

export function addCounts(counts: TableCounts, more: RowsWritten): TableCounts {
  return {
    ...counts,
    upserted: counts.upserted + more.upserted,
    deleted: counts.deleted + more.deleted,
    unchanged: counts.unchanged + more.unchanged,
  };
}

/** One element for each table, of any number of elements for parts of it. */
export function countsByTable(parts: PCollection<TableCounts>): PCollection<TableCounts> {
  return parts.apply(withName("byTable", groupBy(tableOf))).map(sumCounts);
}

function tableOf(counts: TableCounts): string {
  return counts.table;
}

function sumCounts({ value }: { value: Iterable<TableCounts> }): TableCounts {
  return [...value].reduce(addCounts);
}

registerFunctions("beam-indexeddb/io", { tableOf, sumCounts });
