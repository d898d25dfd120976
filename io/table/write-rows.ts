import {
  type CounterFamily,
  type SideInputParam,
  type Tagged,
  type WindowedValue,
  inGlobalWindow,
  registerFunctions,
} from "../../beam/index.js";
import { SnapshotError, type SnapshotRecord } from "../../snapshot/index.js";
import { type FailedRecord, failedRecord } from "../failed-record.js";
import type { TablePlan } from "./column.js";
import { noStatistics, storeId } from "./store-statistics.js";
import { type TableCounts, addCounts, noCounts } from "./table-counts.js";
import type { RowsWritten, TableBatch, TableEngine, TableSession } from "./table-engine.js";
import type { TableSettings } from "./table-options.js";
import { type TableRow, newestRows, toTableRow } from "./table-row.js";

export interface TableOutputs {
  readonly tables: TableCounts;
  readonly failedRecords: FailedRecord;
}

export interface WriteRowsContext {
  /** The tables that were made for all records; absent when the columns are given. */
  readonly plans?: SideInputParam<readonly TablePlan[], Iterable<readonly TablePlan[]>, readonly TablePlan[]>;
  readonly failed: CounterFamily;
  /** What columns could not say of their values, by the issue's name. */
  readonly issues: CounterFamily;
}

interface OpenTable {
  readonly plan: TablePlan;
  rows: TableRow[];
  counts: TableCounts;
}

type Output = Tagged<TableOutputs>;

/** Values are held until their batch is full; large ones fill it sooner. */
const maxBatchBytes = 16 << 20;

/**
 * Writes a bundle's records, each batch of them in one transaction. Give it one record at a time. While the engine writes a batch, the rows of the next
 * are made; the one after that waits, so at most two are in memory.
 */
export class WriteRows {
  readonly engine: TableEngine;
  readonly settings: TableSettings;
  private session: TableSession | undefined;
  private tables: Map<string, OpenTable> | undefined;
  private last: OpenTable | undefined;
  private writing: Promise<void> | undefined;
  private rows = 0;
  private bytes = 0;

  constructor(engine: TableEngine, settings: TableSettings) {
    this.engine = engine;
    this.settings = settings;
  }

  startBundle(): void {
    this.tables = new Map();
    this.last = undefined;
    this.writing = undefined;
    this.rows = 0;
    this.bytes = 0;
  }

  process(record: SnapshotRecord, context: WriteRowsContext): Output[] | undefined | Promise<Output[]> {
    const table = this.knownTable(record);
    if (!table) return this.processFirst(record, context);
    const failed = this.attempt(record, context, () => {
      this.add(record, table, context);
    });
    return this.isFull() ? this.flush().then(() => failed ?? []) : failed;
  }

  /** Neighbours are often of one store: its table is found without looking. */
  private knownTable({ database, store }: SnapshotRecord): OpenTable | undefined {
    const { last } = this;
    if (last?.plan.store === store && last.plan.database === database) return last;
    return (this.last = this.tables!.get(storeId(database, store)));
  }

  async finishBundle(): Promise<WindowedValue<Output>[]> {
    await this.flush();
    await this.writing;
    return [...this.tables!.values()].map(({ counts }) => inGlobalWindow({ tables: counts }));
  }

  async teardown(): Promise<void> {
    const { session, writing } = this;
    this.session = undefined;
    this.tables = undefined;
    this.last = undefined;
    await writing?.catch(() => undefined);
    await session?.close();
  }

  private async processFirst(record: SnapshotRecord, context: WriteRowsContext): Promise<Output[]> {
    const failed = await this.openTable(record, context).then(
      (table) =>
        this.attempt(record, context, () => {
          this.add(record, table, context);
        }),
      (error: unknown) =>
        this.attempt(record, context, () => {
          throw error;
        }),
    );
    if (this.isFull()) await this.flush();
    return failed ?? [];
  }

  /** The dead letter when the record cannot be written and the caller wants those. */
  private attempt(record: SnapshotRecord, context: WriteRowsContext, body: () => void): Output[] | undefined {
    try {
      body();
      return undefined;
    } catch (error) {
      if (this.settings.onError === "fail" || isOfThePlace(error)) throw error;
      const letter = failedRecord(record, error);
      context.failed.increment(record.store);
      return [{ failedRecords: letter }];
    }
  }

  private add(record: SnapshotRecord, table: OpenTable, context: WriteRowsContext): void {
    const row = toTableRow(record, table.plan, this.settings.versionBy, this.engine.limits);
    table.rows.push(row);
    for (const { issue } of row.issues) context.issues.increment(issue);
    this.rows++;
    this.bytes += record.keyBytes.length + (record.valueBytes?.length ?? 0);
  }

  private async openTable(record: SnapshotRecord, context: WriteRowsContext): Promise<OpenTable> {
    const id = storeId(record.database, record.store);
    const plan = context.plans
      ? context.plans.lookup().find((one) => storeId(one.database, one.store) === id)
      : await this.planGiven(record);
    if (!plan) throw missingColumns(record);
    const opened = { plan, rows: [], counts: noCounts(plan) };
    this.tables!.set(id, opened);
    return opened;
  }

  /** With columns given, a store's table does not depend on its records: whoever comes first makes it. */
  private async planGiven({ database, store }: SnapshotRecord): Promise<TablePlan | undefined> {
    if (!Object.hasOwn(this.settings.columns!, store)) return undefined;
    const session = await this.openSession();
    // Its calls never overlap.
    await this.writing;
    const { columns, tables } = this.settings;
    const plans = await session.createTables(
      new Map([[storeId(database, store), noStatistics(database, store)]]),
      {
        columns,
        tables,
      },
    );
    return plans[0];
  }

  private async openSession(): Promise<TableSession> {
    return (this.session ??= await this.engine.open());
  }

  private isFull(): boolean {
    return this.rows >= this.settings.batchRows || this.bytes >= maxBatchBytes;
  }

  /** Starts to write what is there, once the batch before is written. */
  private async flush(): Promise<void> {
    if (this.rows === 0) return;
    const tables = [...this.tables!.values()]
      .filter(({ rows }) => rows.length > 0)
      .sort((a, b) => (a.plan.table < b.plan.table ? -1 : 1));
    const batches = tables.map(({ plan, rows }) => ({ plan, rows: newestRows(rows) }));
    const taken = tables.map(({ rows }) => rows.length);
    for (const table of tables) table.rows = [];
    this.rows = 0;
    this.bytes = 0;
    await this.writing;
    const writing = this.write(batches).then((written) => {
      tables.forEach((table, i) => {
        table.counts = addCounts(table.counts, withDuplicates(written[i]!, taken[i]!, batches[i]!));
      });
    });
    // Whoever waits for it gets its error; until then it is nobody's.
    writing.catch(() => undefined);
    this.writing = writing;
  }

  private async write(batches: readonly TableBatch[]): Promise<readonly RowsWritten[]> {
    const session = await this.openSession();
    const { loadId, deletes } = this.settings;
    return session.writeBatches(batches, { loadId, hardDelete: deletes === "hard" });
  }
}

/** Records of a batch that a newer one of their key took the place of. */
function withDuplicates(written: RowsWritten, taken: number, { rows }: TableBatch): RowsWritten {
  return { ...written, unchanged: written.unchanged + taken - rows.length };
}

/** An error that no record is to blame for: it would be the same for all of them. */
function isOfThePlace(error: unknown): boolean {
  return !(error instanceof SnapshotError) || placeCodes.has(error.code);
}

const placeCodes: ReadonlySet<string> = new Set([
  "STORE_UNAVAILABLE",
  "FILE_NOT_WRITABLE",
  "FILE_WRITE_FAILED",
  "FILE_DISK_FULL",
]);

function missingColumns({ store }: SnapshotRecord): SnapshotError {
  return new SnapshotError(
    "STORE_CONSTRAINT",
    `No columns are given for the object store "${store}". Add it to the option columns, leave that out (columns are inferred), or select stores before the sink.`,
    { store },
  );
}

registerFunctions("beam-indexeddb/io", { WriteRows });
