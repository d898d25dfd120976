import { asyncParDo, type PCollection, registerFunctions, withName } from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import type { TablePlan } from "./column.js";
import { countKinds } from "./count-kinds.js";
import type { DatasetStatistics } from "./store-statistics.js";
import type { TableEngine, TableWishes } from "./table-engine.js";
import type { TableSettings } from "./table-options.js";

/** Makes the tables and columns that the records need, once for all of them, before the first record is written. */
export class CreateTables {
  readonly engine: TableEngine;
  readonly wishes: TableWishes;

  constructor(engine: TableEngine, wishes: TableWishes) {
    this.engine = engine;
    this.wishes = wishes;
  }

  async process(statistics: DatasetStatistics): Promise<(readonly TablePlan[])[]> {
    const session = await this.engine.open();
    try {
      return [await session.createTables(statistics, this.wishes)];
    } finally {
      await session.close();
    }
  }
}

/** The tables for all the records as one element, made by the engine; no element when there are no records. */
export function inferTables(
  records: PCollection<SnapshotRecord>,
  engine: TableEngine,
  { columns, tables, children }: TableSettings,
): PCollection<readonly TablePlan[]> {
  return records
    .apply(countKinds({ limits: engine.limits, lists: children === "tables" }))
    .apply(withName("createTables", asyncParDo(new CreateTables(engine, { columns, tables }))));
}

registerFunctions("beam-indexeddb/io", { CreateTables });
