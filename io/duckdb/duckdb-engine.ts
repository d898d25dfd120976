import { registerFunctions } from "../../beam/index.js";
import type { RowsWritten, TableEngine, TableSession } from "../table/table-engine.js";
import { duckdbError } from "./duckdb-error.js";
import { createDuckdbTables } from "./duckdb-tables.js";
import { mergeStaged } from "./merge-staged.js";
import { type OpenDuckdb, openDuckdb } from "./open-duckdb.js";
import { stageRows } from "./stage-rows.js";

/** A DuckDB file as a store of tables. */
export class DuckdbEngine implements TableEngine {
  readonly name = "duckdb";
  readonly limits = {};
  readonly file: string;
  readonly busyTimeoutMs: number;

  constructor(file: string, busyTimeoutMs: number) {
    this.file = file;
    this.busyTimeoutMs = busyTimeoutMs;
  }

  async open(): Promise<TableSession> {
    return duckdbSession(await openDuckdb(this.file, this.busyTimeoutMs));
  }
}

/** Writes into an open database, which it closes at its end. */
export function duckdbSession(database: OpenDuckdb): TableSession {
  return {
    createTables: (statistics, wishes) =>
      inTransaction(database, () => createDuckdbTables(database.connection, statistics, wishes)),
    writeBatches: (batches, mode) =>
      inTransaction(database, async () => {
        const written: RowsWritten[] = [];
        for (const { plan, rows } of batches) {
          await stageRows(database, plan, rows, mode.loadId);
          written.push(await mergeStaged(database, plan, mode));
        }
        return written;
      }),
    close: () => {
      database.close();
    },
  };
}

/** Work of this process on a file, one after the other: of two transactions that write one table, DuckDB would refuse the second. */
const turns = new Map<string, Promise<unknown>>();

function inTransaction<T>({ connection, file }: OpenDuckdb, work: () => Promise<T>): Promise<T> {
  const mine = (turns.get(file) ?? Promise.resolve()).then(async () => {
    try {
      await connection.run("BEGIN TRANSACTION");
      const result = await work();
      await connection.run("COMMIT");
      return result;
    } catch (error) {
      await connection.run("ROLLBACK").catch(() => undefined);
      throw duckdbError(error, file);
    }
  });
  const settled = mine.then(
    () => undefined,
    () => undefined,
  );
  turns.set(file, settled);
  void settled.then(() => {
    if (turns.get(file) === settled) turns.delete(file);
  });
  return mine;
}

registerFunctions("beam-indexeddb/io", { DuckdbEngine });
