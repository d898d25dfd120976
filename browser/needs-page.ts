import { SnapshotError } from "../snapshot/error.js";

/** The error for records that a worker cannot read, or cannot tell from others: objects of classes that only windows have. */
export function needsPage(what: string, store?: string): SnapshotError {
  return new SnapshotError(
    "EXPORT_NEEDS_PAGE",
    `${what}, so a worker may lose what a page can read. Export from a page, with worker left out or false.`,
    { store },
  );
}

const scope = globalThis as { readonly document?: unknown; readonly WorkerGlobalScope?: unknown };
let pageWaits = false;

/** Says that a page started this worker of its own accord, and will look again itself when it is asked to. */
export function pageCanLookAgain(): void {
  pageWaits = true;
}

/**
 * Can null stand for a value that this context could not read? Chromium gives it, without an error, for values with an object that only windows know (an
 * RTCCertificate). Under a key path null is never a value of its own. Without one it mostly is; it is doubted where a page can look again.
 */
export function isDoubtfulNull(keyPath: IDBObjectStore["keyPath"]): boolean {
  if (scope.document !== undefined || scope.WorkerGlobalScope === undefined) return false;
  return keyPath !== null || pageWaits;
}
