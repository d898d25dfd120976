import type { KeyRange } from "../snapshot/index.js";
import { SnapshotError } from "../snapshot/error.js";
import type { Environment } from "./environment.js";
import { nativeRange } from "./native-range.js";
import { isDoubtfulNull, needsPage } from "./needs-page.js";
import { abortQuietly, completed, requested } from "./request.js";

/** Bytes of encoded records that one batch aims at. */
const batchBytes = 1 << 19;
/** Records in the first batch, before any size is known. */
const firstBatch = 32;
/** A bound for stores whose records grow suddenly: two batches of this many 100 KB records still fit into memory. */
const largestBatch = 512;

export interface StoreRead {
  readonly name: string;
  readonly keyRange?: KeyRange | undefined;
}

export interface StoreReader {
  /** Called once, inside the transaction and before any record, with the stores and how many records each range holds. */
  begin(stores: readonly IDBObjectStore[], counts: readonly number[]): void;
  /** Takes a batch, synchronously, and tells how many bytes it came to. Keys are ascending. */
  batch(store: string, keys: readonly IDBValidKey[], values: readonly unknown[]): number;
}

/**
 * Reads stores in ONE readonly transaction: what comes out is one point in time, whatever other tabs write meanwhile. Only requests of
 * that transaction are awaited, since anything else would end it, and a second transaction would be another point in time.
 *
 * @throws SnapshotError EXPORT_INCOMPLETE when the transaction ends early or the counts do not match.
 */
export async function readStores(
  db: IDBDatabase,
  reads: readonly StoreRead[],
  reader: StoreReader,
  environment: Environment,
  signal: AbortSignal,
): Promise<void> {
  // A transaction over no stores is an error to IndexedDB; an empty database is not one to us.
  if (reads.length === 0) {
    reader.begin([], []);
    return;
  }
  const transaction = db.transaction(
    reads.map(({ name }) => name),
    "readonly",
  );
  const ended = completed(transaction);
  const abort = () => {
    abortQuietly(transaction);
  };
  signal.addEventListener("abort", abort);
  try {
    const stores = reads.map(({ name }) => transaction.objectStore(name));
    const ranges = reads.map(({ keyRange }) => nativeRange(keyRange, environment));
    const counts = await Promise.all(stores.map((store, at) => requested(store.count(ranges[at]))));
    reader.begin(stores, counts);
    for (const [at, store] of stores.entries()) {
      const read = await readStore(store, ranges[at], reader, environment);
      if (read !== counts[at]) {
        throw incomplete(
          `${read} of ${counts[at]} records of "${store.name}" were read`,
          undefined,
          store.name,
        );
      }
    }
    await ended;
  } catch (error) {
    abort();
    throw isAbort(error) && !signal.aborted
      ? incomplete("the transaction ended before all was read", error)
      : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

interface BatchRead {
  readonly size: number;
  readonly keys: Promise<IDBValidKey[]>;
  readonly values: Promise<unknown[]>;
}

async function readStore(
  store: IDBObjectStore,
  range: IDBKeyRange | undefined,
  reader: StoreReader,
  { keyRange }: Environment,
): Promise<number> {
  let size = firstBatch;
  let read = 0;
  const issue = (from: IDBKeyRange | undefined): BatchRead => ({
    size,
    keys: requested(store.getAllKeys(from, size)),
    values: requested(store.getAll(from, size)),
  });
  for (let current: BatchRead | undefined = issue(range); current;) {
    const { keys, values, size: asked }: BatchRead = current;
    const got: IDBValidKey[] = await keys;
    const last = got.at(-1);
    // The next pair is under way while this one is encoded: that keeps the transaction alive and the database busy.
    const rest: IDBKeyRange | undefined =
      last === undefined || got.length < asked ? undefined : rangeAfter(last, range, keyRange);
    current = rest && issue(rest);
    const records = await values;
    if (records.length !== got.length)
      throw incomplete(`${got.length} keys came with ${records.length} values`);
    if (got.length === 0) break;
    if (records.includes(null) && isDoubtfulNull(store.keyPath))
      throw needsPage(`A record of "${store.name}" comes as null`, store.name);
    const bytes = reader.batch(store.name, got, records);
    read += got.length;
    const fitting = Math.floor((batchBytes * got.length) / Math.max(bytes, 1));
    size = Math.max(1, Math.min(fitting, size * 4, largestBatch));
  }
  return read;
}

/** undefined when `last` was the upper bound itself: IDBKeyRange cannot express a range of nothing. */
function rangeAfter(
  last: IDBValidKey,
  range: IDBKeyRange | undefined,
  keyRange: typeof IDBKeyRange,
): IDBKeyRange | undefined {
  if (range?.upper === undefined) return keyRange.lowerBound(last, true);
  try {
    return keyRange.bound(last, range.upper, true, range.upperOpen);
  } catch {
    return undefined;
  }
}

const abortNames = ["AbortError", "TransactionInactiveError", "InvalidStateError", "UnknownError"];

function isAbort(error: unknown): boolean {
  return (
    typeof DOMException !== "undefined" && error instanceof DOMException && abortNames.includes(error.name)
  );
}

function incomplete(what: string, cause?: unknown, store?: string): SnapshotError {
  return new SnapshotError(
    "EXPORT_INCOMPLETE",
    `The export is not complete: ${what}. Discard it, close other tabs and export again.`,
    { cause, store },
  );
}
