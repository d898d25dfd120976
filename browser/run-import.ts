import type { ByteSource, ObjectStoreSchema } from "../snapshot/index.js";
import { SnapshotError, isSnapshotError } from "../snapshot/error.js";
import { readFooter } from "../snapshot/footer.js";
import { FrameReader } from "../snapshot/frame-reader.js";
import { webPlatform } from "../snapshot/platform.js";
import { blobSource } from "./blob-source.js";
import type { ConflictRule } from "./conflict.js";
import { deleteDatabase } from "./database.js";
import { type Environment, environmentOf } from "./environment.js";
import { type ImportBatch, type LeftOutCounts, importBatches } from "./import-batches.js";
import type { ImportOptions, ImportProgress, ImportResult, StoreImportResult } from "./import-options.js";
import { type TargetRequest, countRecords, inspectTarget, openTarget } from "./import-target.js";
import { restoreKeyGenerator } from "./key-generator.js";
import { withLock } from "./lock.js";
import { planBatch } from "./plan-import.js";
import { errorName } from "./request.js";
import { chosenStores } from "./record-selection.js";
import { markImport, unfinishedImport, unmarkImport } from "./side-database.js";
import { verifyContent } from "./verify-content.js";
import { type Outcome, noOutcome, writeRecords } from "./write-records.js";

/** The import itself, wherever it runs. The source can be read at any place and more than once. */
export async function runImport(
  source: Blob | ByteSource,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<ImportResult> {
  const environment = environmentOf(options);
  const bytes = source instanceof Blob ? blobSource(source) : source;
  const reader = new FrameReader(bytes, webPlatform, await readFooter(bytes, webPlatform));
  const name = options.into ?? reader.schema.name;
  try {
    signal.throwIfAborted();
    const all = reader.schema.objectStores;
    const names = chosenStores(
      reader.schema.name,
      all.map((store) => store.name),
      options,
    );
    const stores = all.filter((store) => names.includes(store.name));
    const total = reader.summary.stores.reduce(
      (sum, { name: store, records }) => sum + (names.includes(store) ? records : 0),
      0,
    );
    const progress = { total, report: options.onProgress };
    progress.report?.({ phase: "check", store: "", records: 0, total, bytes: 0 });
    // Nothing is written before the whole file has proved to be whole.
    await reader.verify(() => {
      signal.throwIfAborted();
    });
    return await withLock(
      `beam-indexeddb:import:${name}`,
      { wait: true, signal },
      () => importLocked({ reader, name, stores, options, environment, signal, total }),
      () => new Error("A lock that is waited for is never busy."),
      environment.factory,
    );
  } catch (error) {
    throw asImportError(error, name, signal);
  } finally {
    await reader.close();
  }
}

interface Job {
  readonly reader: FrameReader;
  readonly name: string;
  readonly stores: readonly ObjectStoreSchema[];
  readonly options: ImportOptions;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly total: number;
}

async function importLocked(job: Job): Promise<ImportResult> {
  const { reader, name, stores, options, environment } = job;
  const { factory } = environment;
  const names = stores.map((store) => store.name);
  const request: TargetRequest = { name, schema: reader.schema, stores: names, version: options.version };
  const rule: ConflictRule = { policy: options.onConflict ?? "fail", newerBy: options.newerBy ?? "" };
  const { shard } = reader.header;
  const file = {
    database: name,
    snapshot: reader.summary.id,
    ...(shard && { shard: { index: shard.index, count: shard.count } }),
  };
  let db = await inspectTarget(factory, request, job.signal);
  let created = false;
  try {
    const before = await countRecords(db, names);
    const counts = new Counts(names);
    if (
      options.dryRun === true ||
      (rule.policy === "fail" && [...before.values()].some((count) => count > 0))
    ) {
      await plan(job, db, before, rule, counts);
      if (options.dryRun === true) {
        const version =
          typeof options.version === "number" ? options.version : (db?.version ?? reader.schema.version);
        return {
          ...file,
          version,
          created: db === undefined,
          resumed: false,
          dryRun: true,
          stores: counts.results(),
        };
      }
      counts.clear();
    }
    const cutOff = await unfinishedImport(factory, name);
    const isNew = db === undefined;
    // Before the database can be seen: if this tab dies, the next one can tell that it is half full.
    await markImport(factory, {
      database: name,
      snapshot: file.snapshot,
      created: isNew || (cutOff?.created ?? false),
      startedAt: Date.now(),
    });
    let target;
    try {
      target = await openTarget(factory, request, db);
    } catch (error) {
      // Nothing was written: only an earlier import's mark is still true.
      await (cutOff ? markImport(factory, cutOff) : unmarkImport(factory, name));
      throw error;
    }
    db = target.db;
    created = target.created;
    await write(job, db, before, rule, counts);
    if (options.keyGenerators !== false) {
      for (const { name: store, autoIncrement, keyGenerator } of stores) {
        if (autoIncrement && keyGenerator) await restoreKeyGenerator(db, store, keyGenerator.currentNumber);
      }
    }
    await unmarkImport(factory, name);
    options.onProgress?.({
      phase: "done",
      store: "",
      records: job.total,
      total: job.total,
      bytes: counts.bytes,
    });
    return {
      ...file,
      version: db.version,
      created,
      resumed: cutOff !== undefined,
      dryRun: false,
      stores: counts.results(),
    };
  } catch (error) {
    db?.close();
    if (created) {
      // Made by this very call, so nothing of anybody else's is in it.
      await deleteDatabase(factory, name);
      await unmarkImport(factory, name);
    }
    throw error;
  } finally {
    db?.close();
  }
}

async function plan(
  job: Job,
  db: IDBDatabase | undefined,
  before: ReadonlyMap<string, number>,
  rule: ConflictRule,
  counts: Counts,
): Promise<void> {
  const progress = progressOf(job, "plan");
  for await (const batch of batchesOf(job, before, counts)) {
    for (const part of batch.batches) counts.add(part.store, await planBatch(db, part, rule));
    progress(batch, counts);
  }
}

async function write(
  job: Job,
  db: IDBDatabase,
  before: ReadonlyMap<string, number>,
  rule: ConflictRule,
  counts: Counts,
): Promise<void> {
  const { options, environment, signal } = job;
  const verify = options.verify !== false;
  const progress = progressOf(job, "import");
  const batches = batchesOf(job, before, counts);
  // The next batch is read and decoded while this one is being stored.
  let next = batches.next();
  for (;;) {
    const { value: batch, done } = await next;
    if (done) break;
    next = batches.next();
    next.catch(() => undefined);
    if (batch.batches.length > 0) {
      const outcomes = await writeRecords(db, batch.batches, {
        rule,
        verify,
        durability: batch.isLast ? "strict" : "relaxed",
        signal,
        keyRange: environment.keyRange,
      });
      for (const [at, part] of batch.batches.entries()) {
        counts.add(part.store, outcomes[at]!);
        if (verify) await verifyContent(db, part);
      }
    }
    progress(batch, counts);
  }
}

function batchesOf(
  job: Job,
  before: ReadonlyMap<string, number>,
  counts: Counts,
): AsyncGenerator<ImportBatch, void> {
  const { reader, stores, options, signal } = job;
  return importBatches(
    reader,
    stores,
    options,
    (store) => before.get(store) === 0,
    (store, why) => {
      counts.leaveOut(store, why);
    },
    signal,
  );
}

function progressOf(
  { options, total }: Job,
  phase: ImportProgress["phase"],
): (batch: ImportBatch, counts: Counts) => void {
  let records = 0;
  return (batch, counts) => {
    records += batch.records;
    counts.bytes += batch.bytes;
    options.onProgress?.({
      phase,
      store: batch.batches.at(-1)?.store ?? "",
      records,
      total,
      bytes: counts.bytes,
    });
  };
}

class Counts {
  bytes = 0;
  private readonly stores: Map<string, Outcome & LeftOutCounts>;

  constructor(names: readonly string[]) {
    this.stores = new Map(names.map((name) => [name, { ...noOutcome(), filtered: 0, unportable: 0 }]));
  }

  add(store: string, outcome: Outcome): void {
    const sum = this.stores.get(store)!;
    for (const name of Object.keys(outcome) as (keyof Outcome)[]) sum[name] += outcome[name];
  }

  leaveOut(store: string, why: keyof LeftOutCounts): void {
    this.stores.get(store)![why]++;
  }

  clear(): void {
    this.bytes = 0;
    for (const name of this.stores.keys())
      this.stores.set(name, { ...noOutcome(), filtered: 0, unportable: 0 });
  }

  results(): StoreImportResult[] {
    return Array.from(this.stores, ([name, counts]) => ({ name, ...counts }));
  }
}

function asImportError(error: unknown, name: string, signal: AbortSignal): unknown {
  if (signal.aborted && !isSnapshotError(error, "IMPORT_ABORTED")) {
    return new SnapshotError(
      "IMPORT_ABORTED",
      `The import into "${name}" was stopped. A database that it created is deleted again; else finish it by importing the same file once more.`,
      { cause: signal.reason ?? error },
    );
  }
  if (errorName(error) === "QuotaExceededError") {
    return new SnapshotError(
      "IMPORT_QUOTA_EXCEEDED",
      `There is not enough storage for the import into "${name}". Free space or ask for persistent storage, then import the same file once more.`,
      { cause: error },
    );
  }
  return error;
}
