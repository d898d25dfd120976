import type { TablePlan } from "./column.js";
import type { GivenColumns } from "./plan-tables.js";
import type { DatasetStatistics } from "./store-statistics.js";
import type { TableRow } from "./table-row.js";
import type { ValueLimits } from "./value-kind.js";

/**
 * A store of tables, as `writeToTables` needs it. An engine is an instance of a registered class with plain fields: it travels to the workers with
 * the steps that use it, so no password may be in them. What belongs to one process (a connection, a file) is in the session that it opens.
 */
export interface TableEngine {
  /** Start of the names of its steps and counters: "sqlite" counts `sqlite/failedRecords/<store>`. */
  readonly name: string;
  /** What its column types do not hold; such values are kept as tagged JSON. */
  readonly limits: ValueLimits;
  /** Called when a bundle has something to write, and once to make the tables. */
  open(): TableSession | Promise<TableSession>;
}

/** From the first row of a bundle to its end, or to the first failure. Its calls never overlap. */
export interface TableSession {
  /** Makes what is missing: tables for stores that have none, columns for new properties. Others may do so at the same time. */
  createTables(
    statistics: DatasetStatistics,
    wishes: TableWishes,
  ): readonly TablePlan[] | Promise<readonly TablePlan[]>;
  /**
   * Writes all of the batches or, when it throws, nothing. A row only takes the place of an older version of it, so that rows may come again, late,
   * and in any order.
   * @returns what happened to the rows of each batch, in their order.
   */
  writeBatches(
    batches: readonly TableBatch[],
    mode: WriteMode,
  ): readonly RowsWritten[] | Promise<readonly RowsWritten[]>;
  /** Called once, also after a failure. */
  close(): void | Promise<void>;
}

/** What the caller prescribes for the tables. */
export interface TableWishes {
  /** Columns per store, instead of the inferred ones. */
  readonly columns?: Readonly<Record<string, GivenColumns>> | undefined;
  /** A table's name per store. Default: the store's name. */
  readonly tables?: Readonly<Record<string, string>> | undefined;
}

/** Rows for one table: one for each key, in the order of their keys. Batches come in the order of their tables: equal order for all writers, no deadlock. */
export interface TableBatch {
  readonly plan: TablePlan;
  readonly rows: readonly TableRow[];
}

export interface WriteMode {
  readonly loadId: string;
  /** Whether a deleted record's row goes. Its version is to be remembered, or a late redelivery would bring the row back. */
  readonly hardDelete: boolean;
}

export interface RowsWritten {
  /** Rows inserted or replaced. */
  readonly upserted: number;
  /** Rows marked deleted, or deleted. */
  readonly deleted: number;
  /** Rows that were there already, in this or a newer version. */
  readonly unchanged: number;
}
