const mostAtOnce = 16;

/** Does something for each of many, some at a time. The first failure is thrown when nothing is under way any more. */
export async function inTurns<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failure) {
      try {
        await action(items[next++]!);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(mostAtOnce, items.length) }, worker));
  if (failure) throw failure.error;
}
