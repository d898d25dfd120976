import type { ByteSink, ObjectStoreSchema, SnapshotSummary, UnportableCount } from "../snapshot/index.js";
import { SnapshotError, isSnapshotError } from "../snapshot/error.js";
import { SnapshotWriter } from "../snapshot/writer.js";
import { openExisting, schemaOfStore } from "./database.js";
import { type Environment, environmentOf } from "./environment.js";
import type { ExportOptions, ExportProgress } from "./export-options.js";
import { readKeyGenerator } from "./key-generator.js";
import { exportLock, withLock } from "./lock.js";
import { readStores } from "./read-stores.js";
import { chosenStores, keyRangeOf } from "./record-selection.js";
import { errorName } from "./request.js";
import { RecordStage, type SetAside, type StageOptions } from "./record-stage.js";
import { deviceId } from "./side-database.js";
import { type Staging, openStaging } from "./staging.js";
import { type StagedStore, writeStaged } from "./write-staged.js";

/** A database by name; with what the caller's own connection shows, so that one of the same name elsewhere is not taken for it. */
export interface NamedDatabase {
  readonly name: string;
  readonly expected?: { readonly version: number; readonly stores: readonly string[] } | undefined;
}

/**
 * The export itself, wherever it runs: raw records into a staging inside one transaction, then through the writer into `sink`. `source` is
 * a native connection, which is left open, or the name of a database.
 */
export async function runExport(
  source: IDBDatabase | NamedDatabase,
  options: ExportOptions,
  sink: ByteSink,
  signal: AbortSignal,
): Promise<SnapshotSummary> {
  const environment = environmentOf(options);
  const { name } = source;
  try {
    signal.throwIfAborted();
    return await withLock(
      exportLock(name),
      { wait: false },
      () => exportLocked(source, name, options, environment, sink, signal),
      () =>
        new SnapshotError(
          "EXPORT_BUSY",
          `The database "${name}" is being exported already. Wait until that has ended, or cancel it.`,
        ),
      environment.factory,
    );
  } catch (error) {
    if (signal.aborted && !isSnapshotError(error, "EXPORT_ABORTED")) {
      throw new SnapshotError(
        "EXPORT_ABORTED",
        `The export of "${name}" was stopped. Discard what it has written.`,
        {
          cause: signal.reason ?? error,
        },
      );
    }
    if (errorName(error) === "QuotaExceededError") {
      throw new SnapshotError(
        "EXPORT_FAILED",
        `There is not enough storage to stage the export of "${name}". Free space, or pass staging: "memory" and device: then nothing is stored.`,
        { cause: error },
      );
    }
    if (errorName(error) === "NotReadableError") {
      throw new SnapshotError(
        "EXPORT_FAILED",
        `The staged records of "${name}" could not be read again. Export in a worker.`,
        { cause: error },
      );
    }
    throw error;
  }
}

async function exportLocked(
  source: IDBDatabase | NamedDatabase,
  name: string,
  options: ExportOptions,
  environment: Environment,
  sink: ByteSink,
  signal: AbortSignal,
): Promise<SnapshotSummary> {
  const device = options.device ?? (await deviceId(environment.factory));
  const staging = await openStaging(options.staging ?? "auto");
  try {
    const capture = await captureDatabase(source, name, staging, options, environment, signal);
    return await writeCapture(capture, staging, { ...options, device }, sink, signal);
  } finally {
    await staging.discard();
  }
}

interface Capture {
  readonly name: string;
  readonly version: number;
  readonly schemas: readonly ObjectStoreSchema[];
  readonly stores: readonly StagedStore[];
  readonly aside: SetAside;
  readonly stageOptions: StageOptions;
  readonly unportable: Map<string, Mutable<UnportableCount>>;
  readonly keyGenerators: Map<string, number>;
  readonly capturedAt: number;
  readonly total: number;
}

/** Phase one. The connection is given back as soon as the records are staged, so that other tabs can upgrade the database. */
async function captureDatabase(
  source: IDBDatabase | NamedDatabase,
  name: string,
  staging: Staging,
  options: ExportOptions,
  environment: Environment,
  signal: AbortSignal,
): Promise<Capture> {
  const db = isConnection(source) ? source : await openNamed(source, environment, signal);
  try {
    const names = chosenStores(db.name, Array.from(db.objectStoreNames), options);
    const unportable: Capture["unportable"] = new Map();
    const stageOptions: StageOptions = {
      filter: options.filter,
      transform: options.transform,
      onUnportable: options.onUnportable ?? "fail",
      onReplaced(store, { type }) {
        const id = JSON.stringify([store, type]);
        const known = unportable.get(id);
        if (known) known.count++;
        else
          unportable.set(id, {
            store,
            type,
            count: 1,
            policy: stageOptions.onUnportable as UnportableCount["policy"],
          });
      },
    };
    const stores = names.map((store): StagedStore => ({ name: store, chunks: 0 }));
    const aside: SetAside = { blobs: [], values: [] };
    const stage = new RecordStage(staging, aside, stageOptions);
    const progress: Mutable<ExportProgress> = { phase: "read", store: "", records: 0, total: 0, bytes: 0 };
    let schemas: readonly ObjectStoreSchema[] = [];
    let capturedAt = Number(options.capturedAt ?? NaN);
    await readStores(
      db,
      names.map((store) => ({ name: store, keyRange: keyRangeOf(options, store) })),
      {
        begin(opened, counts) {
          // The first request has been answered: from here on no writer gets in between.
          if (Number.isNaN(capturedAt)) capturedAt = Date.now();
          schemas = opened.map(schemaOfStore);
          progress.total = counts.reduce((sum, count) => sum + count, 0);
          options.onProgress?.({ ...progress });
        },
        batch(store, keys, values) {
          const at = names.indexOf(store);
          const { bytes, records } = stage.add(schemas[at]!, keys, values);
          if (records > 0) stores[at]!.chunks++;
          progress.store = store;
          progress.records += keys.length;
          progress.bytes += bytes;
          options.onProgress?.({ ...progress });
          return bytes;
        },
      },
      environment,
      signal,
    );
    const keyGenerators = new Map<string, number>();
    if (options.keyGenerators !== false) {
      for (const { autoIncrement, name: store } of schemas) {
        if (autoIncrement) keyGenerators.set(store, await readKeyGenerator(db, store));
      }
    }
    return {
      name,
      version: db.version,
      schemas,
      stores,
      aside,
      stageOptions,
      unportable,
      keyGenerators,
      capturedAt,
      total: progress.total,
    };
  } finally {
    if (db !== source) db.close();
  }
}

function isConnection(source: IDBDatabase | NamedDatabase): source is IDBDatabase {
  return "objectStoreNames" in source;
}

async function openNamed(
  { name, expected }: NamedDatabase,
  { factory }: Environment,
  signal: AbortSignal,
): Promise<IDBDatabase> {
  const db = await openExisting(factory, name, signal);
  const same =
    db &&
    (!expected ||
      (expected.version === db.version && expected.stores.join() === Array.from(db.objectStoreNames).join()));
  if (same) return db;
  db?.close();
  throw new SnapshotError(
    "EXPORT_FAILED",
    `There is no database "${name}" here${db ? " like the one given" : ""}. Check the name; databases of a storage bucket need the option indexedDB.`,
  );
}

type Mutable<T> = { -readonly [name in keyof T]: T[name] };

/** Phase two: no transaction is open any more, and the reader of the stream sets the pace. */
async function writeCapture(
  capture: Capture,
  staging: Staging,
  options: ExportOptions & { readonly device: string },
  sink: ByteSink,
  signal: AbortSignal,
): Promise<SnapshotSummary> {
  const {
    name,
    version,
    schemas,
    stores,
    aside,
    stageOptions,
    capturedAt,
    total,
    keyGenerators,
    unportable,
  } = capture;
  const progress: Mutable<ExportProgress> = { phase: "write", store: "", records: 0, total, bytes: 0 };
  const writer = new SnapshotWriter(
    {
      write(bytes) {
        progress.bytes += bytes.length;
        return sink.write(bytes);
      },
    },
    {
      database: { name, version, objectStores: schemas },
      origin: { device: options.device, capturedAt },
      consistency: "database",
    },
    { blockBytes: options.blockBytes, compression: options.compression },
  );
  await writeStaged(
    writer,
    staging,
    stores,
    aside,
    stageOptions,
    (store, records) => {
      progress.store = store;
      progress.records += records;
      options.onProgress?.({ ...progress });
    },
    signal,
  );
  const summary = await writer.finish({ keyGenerators, unportable: [...unportable.values()] });
  options.onProgress?.({ ...progress, phase: "done", store: "" });
  return summary;
}
