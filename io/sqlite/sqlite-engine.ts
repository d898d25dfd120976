import { registerFunctions } from "../../beam/index.js";
import { makeFolderOf } from "../file/make-folder.js";
import type { TablePlan } from "../table/column.js";
import type { RowsWritten, TableBatch, TableEngine, TableSession, WriteMode } from "../table/table-engine.js";
import { type SqliteDatabase, openSqlite } from "./sqlite-driver.js";
import { SqliteRowWriter } from "./sqlite-row-writer.js";
import { createSqliteTables } from "./sqlite-tables.js";

/** An SQLite file as a store of tables. */
export class SqliteEngine implements TableEngine {
  readonly name = "sqlite";
  readonly limits = {};
  readonly file: string;
  readonly busyTimeoutMs: number;

  constructor(file: string, busyTimeoutMs: number) {
    this.file = file;
    this.busyTimeoutMs = busyTimeoutMs;
  }

  open(): TableSession {
    return sqliteSession(openDestination(this.file, this.busyTimeoutMs));
  }
}

/** Writes into an open database, which it closes at its end. */
export function sqliteSession(database: SqliteDatabase): TableSession {
  const writers = new Map<string, SqliteRowWriter>();
  const writerOf = (plan: TablePlan, mode: WriteMode): SqliteRowWriter => {
    let writer = writers.get(plan.table);
    if (!writer) writers.set(plan.table, (writer = new SqliteRowWriter(database, plan, mode)));
    return writer;
  };
  return {
    createTables: (statistics, wishes) => createSqliteTables(database, statistics, wishes),
    writeBatches: (batches: readonly TableBatch[], mode: WriteMode): RowsWritten[] =>
      database.transaction(() => batches.map(({ plan, rows }) => writerOf(plan, mode).write(rows))),
    close: () => {
      database.close();
    },
  };
}

/** Opens the database file, and makes it and its folder when they are not there. */
function openDestination(file: string, busyTimeoutMs: number): SqliteDatabase {
  makeFolderOf(file);
  return openSqlite(file, busyTimeoutMs);
}

registerFunctions("beam-indexeddb/io", { SqliteEngine });
