/** What runs outside of this process and has to be ended before it. */
const running = new Map<AbortController, { readonly done: Promise<unknown>; readonly isService: boolean }>();

/**
 * Does some work that can be called off.
 * @param isService It has no end of its own: to be called off is how it ends.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  isService = false,
): Promise<T> {
  const controller = new AbortController();
  const done = work(controller.signal);
  running.set(controller, { done, isService });
  try {
    return await done;
  } finally {
    running.delete(controller);
  }
}

/** Calls off all that runs, and resolves when it has ended. */
export async function interruptAll(): Promise<void> {
  const all = [...running];
  for (const [controller] of all) controller.abort();
  await Promise.allSettled(all.map(([, { done }]) => done));
}

/** True when nothing is lost by an end now. */
export function onlyServicesRun(): boolean {
  return running.size > 0 && [...running.values()].every(({ isService }) => isService);
}
