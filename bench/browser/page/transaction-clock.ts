/**
 * Time inside transactions over one database, whoever opens them: from `transaction()` until `complete` or `abort`. A writer in another tab
 * would wait that long. Patched into the context that does the work, so that all contenders are measured in the same place.
 */
export interface TransactionClock {
  /** Milliseconds so far. Transactions that overlap are counted once. */
  read(): number;
}

export function startTransactionClock(
  database: string,
  onEnd: (totalMs: number) => void = () => undefined,
): TransactionClock {
  let open = 0;
  let since = 0;
  let total = 0;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its database below
  const begin = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...parts: Parameters<typeof begin>) {
    const transaction = begin.apply(this, parts);
    if (this.name !== database) return transaction;
    if (open++ === 0) since = performance.now();
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      if (--open > 0) return;
      total += performance.now() - since;
      onEnd(Math.round(total));
    };
    transaction.addEventListener("complete", end);
    transaction.addEventListener("abort", end);
    return transaction;
  };
  return { read: () => Math.round(total) };
}
