import { SnapshotError } from "../snapshot/error.js";
import {
  checkChoice,
  checkFunctions,
  checkKeyRanges,
  checkNames,
  unportablePolicies,
} from "./check-options.js";
import { environmentOf } from "./environment.js";
import type { ImportOptions, ImportResult } from "./import-options.js";
import { type ImportSource, receiveSource } from "./import-source.js";
import { loadImport } from "./load-import.js";
import { errorName } from "./request.js";
import { needsThisContext, runInWorker, startWorker } from "./worker-job.js";
import { cloneable } from "./worker-message.js";

/**
 * A snapshot into a database. The file is checked as a whole before anything is written; then records are stored in transactions of about
 * 2 MB, each checked before it commits. A database that is not there is created with the snapshot's schema; one of a lower version is upgraded.
 *
 * When it ends early: a database that this call created is deleted again. In one that was there before, what has been stored stays, and the
 * same call with the same file finishes the import (an equal value is not a conflict); `unfinishedImports` names imports that a closed or
 * crashed tab cut off. With the policy "fail" all conflicts are found before the first write.
 *
 * @throws TypeError for options that cannot work, or not together. SnapshotError SNAPSHOT_EMPTY, SNAPSHOT_BAD_MAGIC, SNAPSHOT_VERSION_UNSUPPORTED,
 *   SNAPSHOT_TRUNCATED, SNAPSHOT_CHECKSUM_MISMATCH, SNAPSHOT_MALFORMED (the file); SNAPSHOT_STORE_UNKNOWN, SNAPSHOT_KEY_INVALID,
 *   SNAPSHOT_VALUE_UNSUPPORTED (options and records); IMPORT_BLOCKED, IMPORT_VERSION_LOWER, IMPORT_SCHEMA_MISMATCH, IMPORT_CONFLICT,
 *   IMPORT_QUOTA_EXCEEDED, IMPORT_ABORTED, IMPORT_VERIFY_FAILED.
 * @example const { stores } = await importDB(file, { onConflict: "newer", newerBy: "updatedAt" });
 */
export async function importDB<Store extends string = string>(
  source: ImportSource,
  options: ImportOptions<Store> = {},
): Promise<ImportResult> {
  const general = options as ImportOptions;
  checkOptions(general);
  environmentOf(general);
  const signal = general.signal ?? new AbortController().signal;
  const received = await receive(source, general, signal);
  try {
    const isBlob = received.source instanceof Blob;
    const needsHere = needsThisContext(general) ?? (isBlob ? undefined : "a ByteSource cannot be sent to it");
    const worker = signal.aborted ? undefined : await startWorker(general.worker, needsHere);
    if (!worker || !isBlob) {
      const runImport = await loadImport();
      return await runImport(received.source, general, signal);
    }
    return (await runInWorker(
      worker,
      {
        kind: "import",
        source: received.source,
        options: cloneable(general),
        tells: general.onProgress !== undefined,
      },
      { onProgress: general.onProgress },
      signal,
    )) as ImportResult;
  } finally {
    await received.discard();
  }
}

async function receive(source: ImportSource, { onProgress }: ImportOptions, signal: AbortSignal) {
  try {
    signal.throwIfAborted();
    return await receiveSource(
      source,
      (bytes) => {
        onProgress?.({ phase: "receive", store: "", records: 0, total: 0, bytes });
      },
      signal,
    );
  } catch (error) {
    if (signal.aborted) {
      throw new SnapshotError("IMPORT_ABORTED", "The import was stopped before anything was written.", {
        cause: signal.reason ?? error,
      });
    }
    if (errorName(error) === "QuotaExceededError") {
      throw new SnapshotError(
        "IMPORT_QUOTA_EXCEEDED",
        "There is not enough storage to put the stream aside. Nothing was imported. Free space, or pass a File.",
        { cause: error },
      );
    }
    throw error;
  }
}

const names = [
  "into",
  "version",
  "stores",
  "keyRanges",
  "filter",
  "transform",
  "onConflict",
  "newerBy",
  "onUnportable",
  "keyGenerators",
  "verify",
  "dryRun",
  "onProgress",
  "signal",
  "worker",
  "indexedDB",
  "IDBKeyRange",
] as const satisfies readonly (keyof ImportOptions)[];

function checkOptions(options: ImportOptions): void {
  checkNames("importDB", options, names);
  const { onConflict, onUnportable, newerBy, version, filter, transform, onProgress } = options;
  checkChoice("importDB", "onConflict", onConflict, ["fail", "skip", "overwrite", "newer"]);
  checkChoice("importDB", "onUnportable", onUnportable, unportablePolicies);
  checkKeyRanges(options);
  if ((onConflict === "newer") !== (newerBy !== undefined)) {
    throw new TypeError('importDB: onConflict "newer" and newerBy, the path to compare by, belong together.');
  }
  if (version !== undefined && version !== "keep" && !(Number.isSafeInteger(version) && version > 0)) {
    throw new TypeError('importDB: version must be a whole number from 1 or "keep".');
  }
  checkFunctions("importDB", { filter, transform, onProgress });
}
