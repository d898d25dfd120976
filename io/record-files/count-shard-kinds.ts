import { asyncParDo, type AsyncDoFn, type PCollection, registerFunctions } from "../../beam/index.js";
import { isSnapshotError, type SnapshotRecord } from "../../snapshot/index.js";
import { mergeRuns } from "../indexeddb/merge-runs.js";
import type { ShardTask } from "../indexeddb/plan-shards.js";
import { gatherStatistics } from "../table/count-kinds.js";
import {
  type CountOptions,
  type DatasetStatistics,
  observeRecord,
  observeStore,
} from "../table/store-statistics.js";
import type { TableWishes } from "../table/table-engine.js";
import { newestRecords } from "./newest-records.js";

/** Where the runs lie, and which versions count. */
export interface CountSettings extends Pick<TableWishes, "columns"> {
  readonly tempFolder: string;
  readonly versionBy: string | undefined;
}

/** Counts the kinds of values in a shard's records, which lie sorted on disk: the input of the pipeline is neither read again nor held. */
export class CountShardKinds implements AsyncDoFn<ShardTask, DatasetStatistics> {
  readonly beamName = "countKinds";
  readonly settings: CountSettings;
  readonly options: CountOptions;

  constructor(settings: CountSettings, options: CountOptions) {
    this.settings = settings;
    this.options = options;
  }

  async process({ destination, segments }: ShardTask): Promise<DatasetStatistics[]> {
    const { tempFolder, versionBy, columns } = this.settings;
    const statistics: DatasetStatistics = new Map();
    const [database, store] = JSON.parse(destination) as [string, string];
    if (columns && Object.hasOwn(columns, store)) {
      observeStore(statistics, database, store);
      return [statistics];
    }
    const runs = mergeRuns(segments, tempFolder);
    for await (const records of newestRecords(runs, versionBy, passOver))
      for (const record of records) observe(statistics, record, this.options);
    return [statistics];
  }
}

/** A value that can't be decoded has no kind. Whoever writes the record says so. */
function observe(statistics: DatasetStatistics, record: SnapshotRecord, options: CountOptions): void {
  try {
    observeRecord(statistics, record, options);
  } catch (error) {
    if (!isSnapshotError(error)) throw error;
  }
}

function passOver(): void {
  // Told when the records are written.
}

/** The statistics of all shards as one element; no element when there are no records. */
export function countShardKinds(
  shards: PCollection<ShardTask>,
  { tempFolder, versionBy, columns }: CountSettings,
  options: CountOptions,
): PCollection<DatasetStatistics> {
  const count = new CountShardKinds({ tempFolder, versionBy, columns }, options);
  return gatherStatistics(shards.apply(asyncParDo(count, { concurrency: 2 })));
}

registerFunctions("beam-indexeddb/io", { CountShardKinds });
