import { registerFunctions } from "../../beam/index.js";
import type { TablePlan } from "../table/column.js";
import type { DatasetStatistics } from "../table/store-statistics.js";
import { type SqliteSettings, openDestination } from "./sqlite-settings.js";
import { createSqliteTables } from "./sqlite-tables.js";

/** Makes the tables and columns that the records need, once for all of them, before the first record is written. */
export class CreateTables {
  readonly settings: SqliteSettings;

  constructor(settings: SqliteSettings) {
    this.settings = settings;
  }

  *process(statistics: DatasetStatistics): Generator<readonly TablePlan[]> {
    const database = openDestination(this.settings);
    try {
      yield createSqliteTables(database, statistics, this.settings);
    } finally {
      database.close();
    }
  }
}

registerFunctions("beam-indexeddb/io", { CreateTables });
