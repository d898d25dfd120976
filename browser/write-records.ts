import type { SnapshotError } from "../snapshot/error.js";
import { recordError } from "../snapshot/record-error.js";
import { compareKeyBytes, encodeKey } from "../snapshot/key.js";
import { type ConflictRule, decide, sameValue } from "./conflict.js";
import { abortQuietly, completed, errorName, requested } from "./request.js";
import type { ImportRecord } from "./revive-record.js";

/** Records of one object store that one transaction stores, in key order unless a transform changed keys. */
export interface StoreBatch {
  readonly store: string;
  readonly records: ImportRecord[];
  /** The import found the store empty: what lies between two of its records is its own. */
  readonly wasEmpty: boolean;
}

/** What became of records, counted; mutable while an import runs. */
export interface Outcome {
  added: number;
  overwritten: number;
  skipped: number;
  unchanged: number;
  deleted: number;
}

export const noOutcome = (): Outcome => ({ added: 0, overwritten: 0, skipped: 0, unchanged: 0, deleted: 0 });

/** Records whose requests are made at once: enough to keep the database busy, few enough that the page's thread is never held long. */
const burst = 256;

export interface WriteOptions {
  readonly rule: ConflictRule;
  readonly verify: boolean;
  readonly durability: "relaxed" | "strict";
  readonly signal: AbortSignal;
  readonly keyRange: typeof IDBKeyRange;
}

/**
 * Stores batches in one transaction: all of them or, when anything goes wrong, none. With `verify` what was stored is read back and compared
 * before the transaction commits.
 */
export async function writeRecords(
  db: IDBDatabase,
  batches: readonly StoreBatch[],
  options: WriteOptions,
): Promise<readonly Outcome[]> {
  const transaction = db.transaction([...new Set(batches.map(({ store }) => store))], "readwrite", {
    durability: options.durability,
  });
  const ended = completed(transaction);
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    abortQuietly(transaction);
  };
  const abort = () => {
    fail(options.signal.reason);
  };
  options.signal.addEventListener("abort", abort);
  try {
    const outcomes: Outcome[] = [];
    for (const batch of batches)
      outcomes.push(await writeBatch(transaction.objectStore(batch.store), batch, options, fail));
    await ended;
    return outcomes;
  } catch (error) {
    fail(error);
    await ended.catch((aborted: unknown) => {
      // The transaction knows the cause when a request in it failed or its commit did (quota).
      if (errorName(failure) === "AbortError" && errorName(aborted) !== "AbortError") failure = aborted;
    });
    throw failure;
  } finally {
    options.signal.removeEventListener("abort", abort);
  }
}

async function writeBatch(
  store: IDBObjectStore,
  batch: StoreBatch,
  { rule, verify, keyRange }: WriteOptions,
  fail: (error: unknown) => void,
): Promise<Outcome> {
  const outcome = noOutcome();
  const written: ImportRecord[] = [];
  const { records } = batch;
  for (let at = 0; at < records.length; at += burst) {
    const some = records.slice(at, at + burst);
    for (const record of some) {
      if (record.deleted) deleteRecord(store, record, rule, outcome, fail);
      else addRecord(store, record, rule, outcome, written, fail);
    }
    // Requests are answered in order: this one's answer says that the others have theirs, except for the few that found a conflict.
    await requested(store.getKey(some[0]!.key as IDBValidKey));
  }
  // The conflicts' own requests were made before this one.
  await requested(store.getKey(records[0]!.key as IDBValidKey));
  if (verify) await verifyRecords(store, batch, written, keyRange);
  return outcome;
}

/** Adding is the one request that tells a free key from a taken one at no extra cost. */
function addRecord(
  store: IDBObjectStore,
  record: ImportRecord,
  rule: ConflictRule,
  outcome: Outcome,
  written: ImportRecord[],
  fail: (error: unknown) => void,
): void {
  const key = store.keyPath === null ? (record.key as IDBValidKey) : undefined;
  const request = store.add(record.value, key);
  request.onsuccess = () => {
    outcome.added++;
    written.push(record);
  };
  request.onerror = (event) => {
    if (errorName(request.error) !== "ConstraintError") {
      fail(request.error);
      return;
    }
    // Without this the transaction would abort.
    event.preventDefault();
    event.stopPropagation();
    withExisting(
      store,
      record,
      (isThere, existing) => {
        if (!isThere) {
          fail(uniqueIndexError(store, record));
          return;
        }
        const decision = decide(rule, existing, record);
        if (decision === "conflict") {
          fail(conflictError(store.name, record));
          return;
        }
        outcome[decision]++;
        if (decision !== "overwritten") return;
        written.push(record);
        const put = store.put(record.value, key);
        put.onerror = () => {
          fail(errorName(put.error) === "ConstraintError" ? uniqueIndexError(store, record) : put.error);
        };
      },
      fail,
    );
  };
}

function deleteRecord(
  store: IDBObjectStore,
  record: ImportRecord,
  rule: ConflictRule,
  outcome: Outcome,
  fail: (error: unknown) => void,
): void {
  withExisting(
    store,
    record,
    (isThere, existing) => {
      const decision = isThere ? decide(rule, existing, record) : "unchanged";
      if (decision === "conflict") {
        fail(conflictError(store.name, record));
        return;
      }
      outcome[decision]++;
      if (decision === "deleted") store.delete(record.key as IDBValidKey);
    },
    fail,
  );
}

/** A stored value can be undefined, so the key is asked for as well. */
function withExisting(
  store: IDBObjectStore,
  record: ImportRecord,
  then: (isThere: boolean, existing: unknown) => void,
  fail: (error: unknown) => void,
): void {
  const key = store.getKey(record.key as IDBValidKey);
  const value = store.get(record.key as IDBValidKey);
  value.onsuccess = () => {
    try {
      then(key.result !== undefined, value.result);
    } catch (error) {
      fail(error);
    }
  };
}

/** Reads back what was written, in a range where the store was empty, else one by one. */
async function verifyRecords(
  store: IDBObjectStore,
  { records, wasEmpty }: StoreBatch,
  written: readonly ImportRecord[],
  keyRange: typeof IDBKeyRange,
): Promise<void> {
  const first = records[0]!;
  const last = records.at(-1)!;
  const whole = wasEmpty && written.length === records.length && isAscending(records);
  if (whole) {
    const range = keyRange.bound(first.key, last.key);
    const [keys, values] = await Promise.all([
      requested(store.getAllKeys(range)),
      requested(store.getAll(range)),
    ]);
    if (keys.length !== records.length)
      throw verifyError(store.name, first, `${keys.length} of ${records.length} records are there`);
    for (const [at, record] of records.entries()) {
      if (compareKeyBytes(encodeKey(keys[at]), record.keyBytes) !== 0)
        throw verifyError(store.name, record, "it is not under its key");
      verifyValue(store.name, values[at], record);
    }
    return;
  }
  for (const record of written)
    verifyValue(
      store.name,
      await requested(store.get(record.key as IDBValidKey) as IDBRequest<unknown>),
      record,
    );
}

function verifyValue(store: string, stored: unknown, record: ImportRecord): void {
  if (!sameValue(stored, record))
    throw verifyError(store, record, "its value is another than the one that was stored");
}

function isAscending(records: readonly ImportRecord[]): boolean {
  return records.every(
    (record, at) => at === 0 || compareKeyBytes(records[at - 1]!.keyBytes, record.keyBytes) < 0,
  );
}

function verifyError(store: string, { key }: ImportRecord, what: string): SnapshotError {
  return recordError(
    "IMPORT_VERIFY_FAILED",
    store,
    key,
    `comes back with a difference: ${what}. Its transaction was taken back. Import again; if it stays, this browser cannot store the value.`,
  );
}

export function conflictError(store: string, { key }: ImportRecord): SnapshotError {
  return recordError(
    "IMPORT_CONFLICT",
    store,
    key,
    `is there with another value. Choose onConflict: "skip", "overwrite" or "newer", or another database (into).`,
  );
}

function uniqueIndexError(store: IDBObjectStore, { key }: ImportRecord): SnapshotError {
  const unique = Array.from(store.indexNames).filter((name) => store.index(name).unique);
  return recordError(
    "IMPORT_CONFLICT",
    store.name,
    key,
    `has a value that another record holds in a unique index (${unique.map((name) => `"${name}"`).join(", ")}). Change one of the two, or leave it out with a filter.`,
  );
}
