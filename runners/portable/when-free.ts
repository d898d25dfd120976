import { setTimeout as delay } from "node:timers/promises";
import { isSnapshotError } from "../../snapshot/index.js";

/** How long a job waits for the one before it. */
const waitMs = 60_000;
const firstPauseMs = 250;
const longestPauseMs = 4_000;

/**
 * Runs a job, again when the runner was still occupied. Beam's job server for Spark has room for one job, and says that a job has ended before it has let go of it: a
 * job that comes too soon is refused as a whole, nothing of it has run.
 */
export async function whenFree<T>(run: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const started = performance.now();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await run();
    } catch (error) {
      if (!saysOccupied(error) || performance.now() - started > waitMs) throw error;
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal?.aborted === true) throw error;
    }
  }
}

function saysOccupied(error: unknown): boolean {
  return (
    isSnapshotError(error) &&
    error.code === "RUNNER_JOB_FAILED" &&
    error.message.includes("Only one SparkContext should be running in this JVM")
  );
}
