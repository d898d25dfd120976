import { type DatasetStatistics, observeRecord, storeId } from "../../io/table/store-statistics.js";
import type { TableSession } from "../../io/table/table-engine.js";
import { newestRows, type TableRow, toTableRow } from "../../io/table/table-row.js";
import { isSnapshotError } from "../../snapshot/index.js";
import type { StoreUnderTest, StoreWriteOptions } from "./store-suite.js";

/** One run over all the records into an open store of tables, without a pipeline around it; every bundle is a transaction. */
export async function writeBundles(
  session: TableSession,
  bundles: Parameters<StoreUnderTest["write"]>[0],
  options: StoreWriteOptions,
): ReturnType<StoreUnderTest["write"]> {
  const statistics: DatasetStatistics = new Map();
  for (const record of bundles.flat())
    observeRecord(statistics, record, { lists: options.children === "tables" });
  const plans = await session.createTables(statistics, options);
  const failed: { store: string; code: string }[] = [];
  for (const bundle of bundles) {
    const rows = new Map<string, TableRow[]>();
    for (const record of bundle) {
      const id = storeId(record.database, record.store);
      const plan = plans.find((known) => storeId(known.database, known.store) === id)!;
      try {
        rows.set(id, [...(rows.get(id) ?? []), toTableRow(record, plan, options.versionBy)]);
      } catch (error) {
        if (options.onError !== "failedRecords" || !isSnapshotError(error)) throw error;
        failed.push({ store: record.store, code: error.code });
      }
    }
    const batches = plans.flatMap((plan) => {
      const found = rows.get(storeId(plan.database, plan.store));
      return found ? [{ plan, rows: newestRows(found) }] : [];
    });
    await session.writeBatches(batches, {
      loadId: options.loadId ?? "test",
      hardDelete: options.deletes === "hard",
    });
  }
  return { failed };
}
