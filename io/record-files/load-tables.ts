import {
  type AsyncDoFn,
  asyncParDo,
  counterFamily,
  type PCollection,
  type PTransform,
  registerFunctions,
  singletonSideInput,
  type Tagged,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { tempFolderFor } from "../file/temp-folder.js";
import { mergeRuns } from "../indexeddb/merge-runs.js";
import type { ShardTask } from "../indexeddb/plan-shards.js";
import { CreateTables } from "../table/create-tables.js";
import { countsByTable } from "../table/table-counts.js";
import type { TableEngine } from "../table/table-engine.js";
import type { TableSettings } from "../table/table-options.js";
import { type TableOutputs, WriteRows, type WriteRowsContext } from "../table/write-rows.js";
import type { WriteToTablesResult } from "../table/write-to-tables.js";
import { countShardKinds } from "./count-shard-kinds.js";
import { sortByStore } from "./sort-by-store.js";

/** Writes the rows of one store, from its sorted runs. */
export class LoadRuns implements AsyncDoFn<ShardTask, Tagged<TableOutputs>, WriteRowsContext> {
  readonly beamName = "loadRows";
  readonly engine: TableEngine;
  readonly settings: TableSettings;
  readonly tempFolder: string;

  constructor(engine: TableEngine, settings: TableSettings, tempFolder: string) {
    this.engine = engine;
    this.settings = settings;
    this.tempFolder = tempFolder;
  }

  async process({ segments }: ShardTask, context: WriteRowsContext): Promise<Tagged<TableOutputs>[]> {
    const rows = new WriteRows(this.engine, this.settings);
    const outputs: Tagged<TableOutputs>[] = [];
    rows.startBundle();
    try {
      for await (const records of mergeRuns(segments, this.tempFolder)) {
        for (const record of records) {
          const output = rows.process(record, context);
          if (output) outputs.push(...(output instanceof Promise ? await output : output));
        }
      }
      for (const { value } of await rows.finishBundle()) outputs.push(value);
    } finally {
      await rows.teardown();
    }
    return outputs;
  }
}

/**
 * As `writeToTables`, for an engine that is a file on a disk that all workers see: the records are sorted into runs beside it first, so that neither inference nor
 * loading holds them, whatever their number.
 * @param file The engine's file.
 */
export function loadTables(
  transform: string,
  engine: TableEngine,
  settings: TableSettings,
  file: string,
): PTransform<PCollection<SnapshotRecord>, WriteToTablesResult> {
  const tempFolder = tempFolderFor(file);
  return withName(transform, (records: PCollection<SnapshotRecord>) => {
    const place = { prefix: file, tempFolder, memoryBytes: sortingBytes, numShards: 1, maxBytesPerShard: 1 };
    const tasks = sortByStore(records, place);
    const { columns, tables, children, versionBy } = settings;
    const plans = countShardKinds(
      tasks,
      { tempFolder, versionBy, columns },
      { limits: engine.limits, lists: children === "tables" },
    ).apply(withName("createTables", asyncParDo(new CreateTables(engine, { columns, tables }))));
    const context: WriteRowsContext = {
      failed: counterFamily(`${engine.name}/failedRecords`),
      issues: counterFamily(`${engine.name}/issues`),
      plans: singletonSideInput(plans),
    };
    const written = tasks
      .apply(asyncParDo(new LoadRuns(engine, settings, tempFolder), { concurrency: 1 }, context))
      .apply(withName("outputs", taggedOutputs<TableOutputs>(["tables", "failedRecords"])));
    return { tables: countsByTable(written.tables), failedRecords: written.failedRecords };
  });
}

/** Memory for sorting, a bundle. */
const sortingBytes = 64 << 20;

registerFunctions("beam-indexeddb/io", { LoadRuns });
