import { setTimeout as wait } from "node:timers/promises";
import { isPassing, toStoreError } from "./postgres-error.js";

const firstWaitMs = 100;
const longestWaitMs = 10_000;

/**
 * Does it again when it failed for a reason that may pass, after a wait that doubles (100 ms to 10 s) and is shortened at random by up to a half, so that
 * those who met do not meet again.
 * @param pause For tests: how to wait.
 * @throws SnapshotError STORE_UNAVAILABLE after the last attempt; another error of the store at once.
 */
export async function withRetries<T>(
  attempts: number,
  body: () => Promise<T>,
  pause: (ms: number) => Promise<unknown> = wait,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await body();
    } catch (error) {
      if (attempt >= attempts || !isPassing(error)) throw toStoreError(error, attempt);
      await pause(waitMs(attempt));
    }
  }
}

function waitMs(attempt: number): number {
  return Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1)) * (1 - Math.random() / 2);
}
