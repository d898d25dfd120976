import { type PCollection, parDo, registerFunctions } from "../../beam/index.js";
import type { ShardTask } from "../indexeddb/plan-shards.js";
import type { TablePlan } from "../table/column.js";
import { planTables } from "../table/plan-tables.js";
import type { DatasetStatistics } from "../table/store-statistics.js";
import type { TableWishes } from "../table/table-engine.js";
import { type CountSettings, countShardKinds } from "./count-shard-kinds.js";
import type { ColumnRules } from "./record-format.js";

/** One set of columns a store, whatever its number of shards. */
export class PlanColumns {
  readonly beamName = "planColumns";
  readonly rules: ColumnRules;
  readonly wishes: TableWishes;

  constructor(rules: ColumnRules, wishes: TableWishes) {
    this.rules = rules;
    this.wishes = wishes;
  }

  *process(statistics: DatasetStatistics): Generator<readonly TablePlan[]> {
    const { identifiers, maxColumns } = this.rules;
    yield planTables(statistics, [], { ...this.wishes, identifiers, maxColumns });
  }
}

/** The columns of all stores as one element. */
export function planColumns(
  shards: PCollection<ShardTask>,
  rules: ColumnRules,
  settings: CountSettings,
): PCollection<readonly TablePlan[]> {
  const { columns } = settings;
  return countShardKinds(shards, settings, { limits: rules.limits }).apply(
    parDo(new PlanColumns(rules, { columns })),
  );
}

registerFunctions("beam-indexeddb/io", { PlanColumns });
