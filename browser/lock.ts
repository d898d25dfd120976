/**
 * Runs `work` while no other tab or worker of the origin runs under the same name. Where there are no Web Locks it just runs; so it does for
 * another `indexedDB` than the origin's own (a storage bucket, one in memory), whose databases only share the names.
 */
export async function withLock<T>(
  name: string,
  options: { readonly wait: boolean; readonly signal?: AbortSignal | undefined },
  work: () => Promise<T>,
  onBusy: () => Error,
  factory: IDBFactory,
): Promise<T> {
  const locks = lockManager();
  if (!locks || factory !== globalThis.indexedDB) return work();
  const lockOptions: LockOptions = options.wait
    ? options.signal
      ? { signal: options.signal }
      : {}
    : { ifAvailable: true };
  return locks.request(name, lockOptions, (lock) => {
    if (!lock) throw onBusy();
    return work();
  });
}

export function lockManager(): LockManager | undefined {
  return (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
}

/** Held while a database of this name is exported. */
export function exportLock(name: string): string {
  return `beam-indexeddb:export:${name}`;
}
