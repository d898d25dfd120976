import {
  asyncParDo,
  type AsyncDoFn,
  groupGlobally,
  type PCollection,
  type PTransform,
  parDo,
  registerFunctions,
  withName,
} from "../../beam/index.js";
import { mergeRuns } from "../indexeddb/merge-runs.js";
import type { ShardTask } from "../indexeddb/plan-shards.js";
import type { TablePlan } from "../table/column.js";
import { planTables } from "../table/plan-tables.js";
import {
  type DatasetStatistics,
  mergeStatistics,
  observeRecord,
  observeStore,
} from "../table/store-statistics.js";
import type { TableWishes } from "../table/table-engine.js";
import { newestRecords } from "./newest-records.js";
import type { RecordFileSettings } from "./record-file-options.js";
import type { ColumnRules } from "./record-format.js";

type CountSettings = Pick<RecordFileSettings, "tempFolder" | "versionBy" | "columns">;

/** Counts the kinds of values in a shard's records, which lie sorted on disk: the input of the pipeline is neither read again nor held. */
export class CountShardKinds implements AsyncDoFn<ShardTask, DatasetStatistics> {
  readonly beamName = "countKinds";
  readonly settings: CountSettings;
  readonly rules: ColumnRules;

  constructor(settings: CountSettings, rules: ColumnRules) {
    this.settings = settings;
    this.rules = rules;
  }

  async process({ destination, segments }: ShardTask): Promise<DatasetStatistics[]> {
    const { tempFolder, versionBy, columns } = this.settings;
    const statistics: DatasetStatistics = new Map();
    const [database, store] = JSON.parse(destination) as [string, string];
    if (columns && Object.hasOwn(columns, store)) {
      observeStore(statistics, database, store);
      return [statistics];
    }
    for await (const records of newestRecords(mergeRuns(segments, tempFolder), versionBy))
      for (const record of records) observeRecord(statistics, record, { limits: this.rules.limits });
    return [statistics];
  }
}

/** One set of columns a store, whatever its number of shards. */
export class PlanColumns {
  readonly beamName = "planColumns";
  readonly rules: ColumnRules;
  readonly wishes: TableWishes;

  constructor(rules: ColumnRules, wishes: TableWishes) {
    this.rules = rules;
    this.wishes = wishes;
  }

  *process(parts: Iterable<DatasetStatistics>): Generator<readonly TablePlan[]> {
    const all: DatasetStatistics = new Map();
    for (const part of parts) mergeStatistics(all, part);
    const { identifiers, maxColumns } = this.rules;
    yield planTables(all, [], { ...this.wishes, identifiers, maxColumns });
  }
}

/** The columns of all stores as one element. */
export function planColumns(
  shards: PCollection<ShardTask>,
  rules: ColumnRules,
  settings: CountSettings,
): PCollection<readonly TablePlan[]> {
  // The SDK declares what this gives as `any`.
  const gather: PTransform<
    PCollection<DatasetStatistics>,
    PCollection<Iterable<DatasetStatistics>>
  > = groupGlobally<DatasetStatistics>();
  const { tempFolder, versionBy, columns } = settings;
  return shards
    .apply(asyncParDo(new CountShardKinds({ tempFolder, versionBy, columns }, rules), { concurrency: 2 }))
    .apply(withName("gather", gather))
    .apply(parDo(new PlanColumns(rules, { columns })));
}

registerFunctions("beam-indexeddb/io", { CountShardKinds, PlanColumns });
