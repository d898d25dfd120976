/**
 * The items of all batches, one by one. A generator that delegates to an array takes several turns of the job queue for each item; here an item of a batch
 * that is there takes one, which is most of the time of a loop over small records.
 *
 * Behaves as a generator otherwise: calls that overlap are answered in their order, a failure or `return` ends it.
 */
export function flattenBatches<T>(
  batches: AsyncGenerator<readonly T[], void, undefined>,
): AsyncGenerator<T, void, undefined> {
  type Result = IteratorResult<T, void>;
  const none: readonly T[] = [];
  let batch = none;
  let at = 0;
  /** The last call that waits for something, and how many there are. */
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  const inTurn = (work: () => Promise<Result>): Promise<Result> => {
    const run = async (): Promise<Result> => {
      try {
        return await work();
      } finally {
        // Before the caller goes on: its next call must find the way free.
        waiting--;
      }
    };
    const result = waiting++ === 0 ? run() : last.then(run, run);
    last = result;
    return result;
  };
  const advance = async (): Promise<Result> => {
    while (at >= batch.length) {
      batch = none;
      at = 0;
      const next = await batches.next();
      if (next.done === true) return next;
      batch = next.value;
    }
    return { done: false, value: batch[at++]! };
  };
  const end = (work: () => Promise<IteratorResult<readonly T[], void>>): Promise<Result> =>
    inTurn(async () => {
      batch = none;
      at = 0;
      await work();
      return { done: true, value: undefined };
    });

  return {
    next: () =>
      waiting === 0 && at < batch.length
        ? Promise.resolve({ done: false, value: batch[at++]! })
        : inTurn(advance),
    return: (value) => end(() => batches.return(value)),
    throw: (error) => end(() => batches.throw(error)),
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await this.return();
    },
  };
}
