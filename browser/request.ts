/**
 * An IndexedDB request as a promise. Awaiting it keeps the transaction alive, awaiting anything else does not. The rejection counts as
 * handled from the start, because a transaction that aborts rejects every request in flight and only one of them is being awaited.
 */
export function requested<T>(request: IDBRequest<T>): Promise<T> {
  const promise = new Promise<T>((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(asError(request.error));
    };
  });
  promise.catch(ignore);
  return promise;
}

/** The end of a transaction: resolves on `complete`, rejects on `abort`. To be called before the first request is made. */
export function completed(transaction: IDBTransaction): Promise<void> {
  const promise = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve();
    };
    transaction.onabort = () => {
      reject(asError(transaction.error));
    };
  });
  promise.catch(ignore);
  return promise;
}

/** Aborts a transaction that may already have ended. */
export function abortQuietly(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // InvalidStateError: it has completed or aborted already, which is what was wanted.
  }
}

/** `error` of an aborted transaction is null when abort() was called or the connection was torn down. */
function asError(error: unknown): Error {
  return error instanceof Error || isDOMException(error)
    ? (error as Error)
    : new DOMException("The transaction was aborted.", "AbortError");
}

function isDOMException(error: unknown): boolean {
  return typeof error === "object" && error !== null && "name" in error;
}

/** The name of a DOMException or error, "" for anything else. */
export function errorName(error: unknown): string {
  return isDOMException(error) ? String((error as { name: unknown }).name) : "";
}

function ignore(): void {
  // Rejections are reported by whoever awaits the promise.
}
