import { type AsyncDoFn, type KV, registerFunctions, type SideInputParam } from "../../beam/index.js";
import { SnapshotError } from "../../snapshot/index.js";
import { nameOf } from "../file/join-path.js";
import { closeTempFolder } from "../file/temp-folder.js";
import type { FinishedRecordFile } from "../record-files/write-record-shards.js";
import { addCounts, noCounts, type TableCounts } from "../table/table-counts.js";
import { type DatasetStatistics, storeId } from "../table/store-statistics.js";
import type { TableWishes } from "../table/table-engine.js";
import { type BigQueryClient, createBigQueryClient } from "./bigquery-client.js";
import type { BigQueryPlace } from "./bigquery-place.js";
import { type LoadMode, loadTable } from "./load-table.js";
import { type PreparedTable, prepareTables, type SchemaUpdate } from "./prepare-tables.js";
import { datasetLocation } from "./table-resource.js";

/** A client for the dataset that says where it is. */
async function openDataset(place: BigQueryPlace): Promise<BigQueryClient> {
  const client = createBigQueryClient(place);
  const location = place.location ?? (await datasetLocation(client));
  return location === undefined ? client : createBigQueryClient({ ...place, location });
}

/** Makes the tables and columns for all the records, before the first file is written. */
export class PrepareTables implements AsyncDoFn<DatasetStatistics, readonly PreparedTable[]> {
  readonly beamName = "prepareTables";
  readonly place: BigQueryPlace;
  readonly wishes: TableWishes;
  readonly schemaUpdate: SchemaUpdate;

  constructor(place: BigQueryPlace, wishes: TableWishes, schemaUpdate: SchemaUpdate) {
    this.place = place;
    this.wishes = wishes;
    this.schemaUpdate = schemaUpdate;
  }

  async process(statistics: DatasetStatistics): Promise<(readonly PreparedTable[])[]> {
    for (const { store } of statistics.values())
      if (this.wishes.columns && !Object.hasOwn(this.wishes.columns, store))
        throw new SnapshotError(
          "STORE_CONSTRAINT",
          `No columns are given for the object store "${store}". Add it to the option columns, leave that out (columns are inferred), or select stores before the sink.`,
          { store },
        );
    return [await prepareTables(await openDataset(this.place), statistics, this.wishes, this.schemaUpdate)];
  }
}

export interface LoadFilesContext {
  readonly tables: SideInputParam<
    readonly PreparedTable[],
    Iterable<readonly PreparedTable[]>,
    readonly PreparedTable[]
  >;
}

/** Brings the files of a store into its table. */
export class LoadFiles implements AsyncDoFn<
  KV<string, Iterable<FinishedRecordFile>>,
  TableCounts,
  LoadFilesContext
> {
  readonly beamName = "load";
  readonly place: BigQueryPlace;
  /** The loadId is "" where the files' own names tell it. */
  readonly mode: LoadMode;

  constructor(place: BigQueryPlace, mode: LoadMode) {
    this.place = place;
    this.mode = mode;
  }

  async process(
    { key: destination, value }: KV<string, Iterable<FinishedRecordFile>>,
    { tables }: LoadFilesContext,
  ): Promise<TableCounts[]> {
    const table = tables.lookup().find(({ database, store }) => storeId(database, store) === destination)!;
    // Shards may be empty, and all records may have been refused.
    const files = [...value].filter(({ records }) => records > 0).map(({ tempPath }) => tempPath);
    if (files.length === 0) return [noCounts(table)];
    const client = await openDataset(this.place);
    return [addCounts(noCounts(table), await loadTable(client, table, files.sort(byName), this.mode))];
  }
}

function byName(a: string, b: string): number {
  return nameOf(a) < nameOf(b) ? -1 : 1;
}

/** Removes the files when all tables have them. */
export class CloseStaging implements AsyncDoFn<KV<string, Iterable<TableCounts>>, TableCounts> {
  readonly beamName = "closeStaging";
  readonly tempFolder: string;

  constructor(tempFolder: string) {
    this.tempFolder = tempFolder;
  }

  async process({ value }: KV<string, Iterable<TableCounts>>): Promise<TableCounts[]> {
    const counts = [...value];
    await closeTempFolder(this.tempFolder);
    return counts;
  }
}

registerFunctions("beam-indexeddb/io", { PrepareTables, LoadFiles, CloseStaging });
