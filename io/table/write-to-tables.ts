import {
  type Outputs,
  type PCollection,
  type PTransform,
  type Tagged,
  asyncParDo,
  counterFamily,
  singletonSideInput,
  taggedOutputs,
  withName,
} from "../../beam/index.js";
import type { SnapshotRecord } from "../../snapshot/index.js";
import { inferTables } from "./create-tables.js";
import { countsByTable } from "./table-counts.js";
import type { TableEngine } from "./table-engine.js";
import type { TableSettings } from "./table-options.js";
import { type TableOutputs, WriteRows, type WriteRowsContext } from "./write-rows.js";

/** `tables`: one element per table that was written. `failedRecords`: empty unless `onError` is `failedRecords`. */
export type WriteToTablesResult = Outputs<TableOutputs>;

/**
 * The sink of an engine that writes a batch of rows at once or not at all: infers the tables over all records unless columns are given, makes them, writes
 * every bundle in batches, counts. Counters: `<engine>/failedRecords/<store>`, `<engine>/issues/<issue>`.
 * @param transform Name of the step.
 */
export function writeToTables(
  transform: string,
  engine: TableEngine,
  settings: TableSettings,
): PTransform<PCollection<SnapshotRecord>, WriteToTablesResult> {
  return withName(transform, (records: PCollection<SnapshotRecord>) => {
    const context: WriteRowsContext = {
      failed: counterFamily(`${engine.name}/failedRecords`),
      issues: counterFamily(`${engine.name}/issues`),
      ...(settings.columns ? {} : { plans: singletonSideInput(inferTables(records, engine, settings)) }),
    };
    const write = asyncParDo<SnapshotRecord, Tagged<TableOutputs>, WriteRowsContext>(
      new WriteRows(engine, settings),
      { concurrency: 1 },
      context,
    );
    const written = records
      .apply(withName("writeRows", write))
      .apply(withName("outputs", taggedOutputs<TableOutputs>(["tables", "failedRecords"])));
    return { tables: countsByTable(written.tables), failedRecords: written.failedRecords };
  });
}
