/** What runs outside of this process and has to be ended before it. */
const running = new Map<AbortController, Promise<unknown>>();

/** Does some work that can be called off. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const done = work(controller.signal);
  running.set(controller, done);
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
  await Promise.allSettled(all.map(([, done]) => done));
}
