import {
  type CounterFamily,
  type SideInputParam,
  type Tagged,
  type WindowedValue,
  inGlobalWindow,
  registerFunctions,
} from "../../beam/index.js";
import { SnapshotError, type SnapshotRecord } from "../../snapshot/index.js";
import { type FailedRecord, failedRecord } from "../failed-record.js";
import type { TablePlan } from "../table/column.js";
import { storeId } from "../table/store-statistics.js";
import { type TableRow, toTableRow } from "../table/table-row.js";
import type { SqliteDatabase } from "./sqlite-driver.js";
import { SqliteRowWriter } from "./sqlite-row-writer.js";
import { type SqliteSettings, openDestination } from "./sqlite-settings.js";
import { createSqliteTables } from "./sqlite-tables.js";

/** What happened to one table's rows; equal versions that were there before count as unchanged. */
export interface TableCounts {
  readonly database: string;
  readonly store: string;
  readonly table: string;
  readonly upserted: number;
  readonly deleted: number;
  readonly unchanged: number;
}

export interface SqliteOutputs {
  readonly tables: TableCounts;
  readonly failedRecords: FailedRecord;
}

export interface WriteRowsContext {
  /** The tables that were made for all records; absent when the columns are given. */
  readonly plans?: SideInputParam<readonly TablePlan[], Iterable<readonly TablePlan[]>, readonly TablePlan[]>;
  readonly failed: CounterFamily;
}

interface OpenTable {
  readonly plan: TablePlan;
  readonly writer: SqliteRowWriter;
  rows: TableRow[];
  counts: TableCounts;
}

/** Values are held until their batch is full; large ones fill it sooner. */
const maxBatchBytes = 16 << 20;

/** Writes a bundle's records, each batch of them in one transaction. */
export class WriteRows {
  readonly settings: SqliteSettings;
  private database: SqliteDatabase | undefined;
  private tables: Map<string, OpenTable> | undefined;
  private rows = 0;
  private bytes = 0;

  constructor(settings: SqliteSettings) {
    this.settings = settings;
  }

  startBundle(): void {
    this.tables = new Map();
    this.rows = 0;
    this.bytes = 0;
  }

  *process(record: SnapshotRecord, context: WriteRowsContext): Generator<Tagged<SqliteOutputs>> {
    try {
      const table = this.tableOf(record, context);
      table.rows.push(toTableRow(record, table.plan, this.settings.versionBy));
    } catch (error) {
      if (this.settings.onError === "fail") throw this.close(error);
      yield { failedRecords: failedRecord(record, error) };
      context.failed.increment(record.store);
      return;
    }
    this.rows++;
    this.bytes += record.keyBytes.length + (record.valueBytes?.length ?? 0);
    if (this.rows >= this.settings.batchRows || this.bytes >= maxBatchBytes) this.flush();
  }

  *finishBundle(): Generator<WindowedValue<Tagged<SqliteOutputs>>> {
    this.flush();
    this.close();
    for (const { counts } of this.tables!.values()) yield inGlobalWindow({ tables: counts });
    this.tables = undefined;
  }

  private tableOf(record: SnapshotRecord, context: WriteRowsContext): OpenTable {
    const id = storeId(record.database, record.store);
    const known = this.tables!.get(id);
    if (known) return known;
    const plan = context.plans
      ? context.plans.lookup().find((one) => storeId(one.database, one.store) === id)
      : this.planGiven(record);
    if (!plan) throw missingColumns(record);
    this.database ??= openDestination(this.settings);
    const { loadId, deletes } = this.settings;
    const writer = new SqliteRowWriter(this.database, plan, { loadId, hardDelete: deletes === "hard" });
    const { database, store, table } = plan;
    const counts = { database, store, table, upserted: 0, deleted: 0, unchanged: 0 };
    const opened = { plan, writer, rows: [], counts };
    this.tables!.set(id, opened);
    return opened;
  }

  /** With columns given, a store's table does not depend on its records: whoever comes first makes it. */
  private planGiven({ database, store }: SnapshotRecord): TablePlan | undefined {
    if (!Object.hasOwn(this.settings.columns!, store)) return undefined;
    this.database ??= openDestination(this.settings);
    const seen = { database, store, records: 0, fields: new Map<string, number[]>(), whole: [] };
    return createSqliteTables(this.database, new Map([[storeId(database, store), seen]]), this.settings)[0];
  }

  private flush(): void {
    if (this.rows === 0) return;
    const tables = [...this.tables!.values()];
    try {
      const written = this.database!.transaction(() => tables.map(({ writer, rows }) => writer.write(rows)));
      tables.forEach((table, i) => {
        const { upserted, deleted, unchanged } = written[i]!;
        const { counts } = table;
        table.counts = {
          ...counts,
          upserted: counts.upserted + upserted,
          deleted: counts.deleted + deleted,
          unchanged: counts.unchanged + unchanged,
        };
        table.rows = [];
      });
    } catch (error) {
      throw this.close(error);
    }
    this.rows = 0;
    this.bytes = 0;
  }

  private close<T>(error?: T): T | undefined {
    this.database?.close();
    this.database = undefined;
    return error;
  }
}

function missingColumns({ store }: SnapshotRecord): SnapshotError {
  return new SnapshotError(
    "STORE_CONSTRAINT",
    `No columns are given for the object store "${store}". Add it to the option columns, leave that out (columns are inferred), or select stores before the sink.`,
    { store },
  );
}

registerFunctions("beam-indexeddb/io", { WriteRows });
