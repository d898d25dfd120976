import type { DBSchema, IDBPDatabase, StoreNames } from "idb";
import type { ByteSink } from "../snapshot/index.js";
import { byteStream } from "./byte-stream.js";
import {
  checkChoice,
  checkFunctions,
  checkKeyRanges,
  checkNames,
  unportablePolicies,
} from "./check-options.js";
import type { ExportOptions } from "./export-options.js";
import { isWrapped } from "./is-wrapped.js";
import { loadExport } from "./load-export.js";
import { exportLock, lockManager } from "./lock.js";
import type { NamedDatabase } from "./run-export.js";
import { needsThisContext, runInWorker, startWorker } from "./worker-job.js";
import { cloneable } from "./worker-message.js";

/**
 * A database as a snapshot file, streamed. Records are read in one transaction, so the file is one point in time even while other tabs
 * write; they are staged outside the page's memory where the browser can, and compressed and streamed after the transaction, at the pace of
 * whoever reads the stream. Nothing is held that grows with the database but handles to its Blobs. The stream errors, and never just ends, when anything is missing.
 *
 * @param db an open connection (native or idb's; it stays open) or the name of a database.
 * @throws TypeError at once for options that cannot work, or not together; SnapshotError SNAPSHOT_KEY_INVALID for a range whose bound is no key.
 * Errors of the stream: SnapshotError EXPORT_FAILED (no such database, no room to stage it), SNAPSHOT_STORE_UNKNOWN, SNAPSHOT_VALUE_UNSUPPORTED,
 *   SNAPSHOT_KEY_INVALID and SNAPSHOT_KEY_ORDER (transform), EXPORT_INCOMPLETE, EXPORT_ABORTED, EXPORT_BUSY; what `filter` or
 *   `transform` throws is passed on as it is.
 * @example
 * await exportDB(db, { stores: ["notes"] }).pipeTo(await fileHandle.createWritable());
 * const file = await new Response(exportDB("notes-app")).blob();
 */
// eslint-disable-next-line @typescript-eslint/no-redundant-type-constituents -- idb's own bound: a schema, or none
export function exportDB<Schema extends DBSchema | unknown = unknown>(
  db: IDBPDatabase<Schema> | IDBDatabase | string,
  options: ExportOptions<StoreNames<Schema>> = {},
): ReadableStream<Uint8Array> {
  const general = options as ExportOptions;
  checkOptions(general);
  return byteStream(
    (sink, signal) => start(db as IDBDatabase | string, general, sink, signal),
    options.signal,
  );
}

async function start(
  db: IDBDatabase | string,
  options: ExportOptions,
  sink: ByteSink,
  signal: AbortSignal,
): Promise<void> {
  const named: NamedDatabase =
    typeof db === "string"
      ? { name: db }
      : { name: db.name, expected: { version: db.version, stores: Array.from(db.objectStoreNames) } };
  const worker = signal.aborted
    ? undefined
    : await startWorker(options.worker, await reasonToStay(db, options));
  if (worker) {
    try {
      await runInWorker(
        worker,
        {
          kind: "export",
          source: named,
          options: cloneable(options),
          tells: options.onProgress !== undefined,
          pageCanLookAgain: options.worker === undefined,
        },
        { onProgress: options.onProgress, sink },
        signal,
      );
      return;
    } catch (error) {
      // Nothing has come out of it yet: all records are read before the first byte is written.
      if (options.worker !== undefined || (error as { code?: unknown }).code !== "EXPORT_NEEDS_PAGE")
        throw error;
      // The lock of a worker that has died is free a moment later.
      await lockManager()?.request(exportLock(named.name), () => undefined);
    }
  }
  const runExport = await loadExport();
  await runExport(typeof db === "string" || isWrapped(db) ? named : db, options, sink, signal);
}

/** Why a worker could not do it, if so. */
async function reasonToStay(db: IDBDatabase | string, options: ExportOptions): Promise<string | undefined> {
  const reason = needsThisContext(options);
  if (reason !== undefined) return reason;
  // A connection does not tell whether it belongs to a storage bucket, and a worker would look outside of all buckets.
  const buckets = (globalThis as { navigator?: { storageBuckets?: { keys(): Promise<string[]> } } }).navigator
    ?.storageBuckets;
  if (typeof db !== "string" && !options.indexedDB && buckets && (await buckets.keys()).length > 0) {
    return "the database may lie in a storage bucket";
  }
  return undefined;
}

const names = [
  "stores",
  "keyRanges",
  "filter",
  "transform",
  "onProgress",
  "signal",
  "device",
  "capturedAt",
  "onUnportable",
  "keyGenerators",
  "worker",
  "staging",
  "blockBytes",
  "compression",
  "indexedDB",
  "IDBKeyRange",
] as const satisfies readonly (keyof ExportOptions)[];

function checkOptions(options: ExportOptions): void {
  checkNames("exportDB", options, names);
  const { blockBytes, capturedAt, filter, transform, onProgress, staging, compression, onUnportable } =
    options;
  checkFunctions("exportDB", { filter, transform, onProgress });
  checkChoice("exportDB", "onUnportable", onUnportable, unportablePolicies);
  checkChoice("exportDB", "staging", staging, ["auto", "opfs", "memory"]);
  checkChoice("exportDB", "compression", compression, ["deflate", "none"]);
  checkKeyRanges(options);
  if (capturedAt !== undefined && !Number.isFinite(Number(capturedAt))) {
    throw new TypeError("exportDB: capturedAt must be a date or milliseconds.");
  }
  if (blockBytes !== undefined && !(blockBytes >= 1024))
    throw new TypeError("exportDB: blockBytes must be at least 1024.");
}
