import { setTimeout as delay } from "node:timers/promises";
import { SnapshotError } from "../../snapshot/index.js";
import { call, connect } from "../grpc/client.js";
import { jobs } from "../grpc/method.js";
import { isUnanswered } from "../portable/grpc-failure.js";

const attemptMs = 2_000;
const pauseMs = 40;

/**
 * Resolves when a job server answers calls.
 * @throws SnapshotError RUNNER_ENDPOINT_UNREACHABLE after `deadlineMs`; the signal's reason
 */
export async function waitUntilAnswers(
  address: string,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const startedAt = Date.now();
  while (true) {
    signal?.throwIfAborted();
    const failure = await attempt(address);
    if (failure === undefined) return;
    if (Date.now() - startedAt > deadlineMs) {
      throw new SnapshotError(
        "RUNNER_ENDPOINT_UNREACHABLE",
        `Nothing answers at ${address} after ${Math.round(deadlineMs / 1000)} s. Check host and port, and that the job server runs.`,
        { cause: failure },
      );
    }
    await delay(pauseMs, undefined, { signal });
  }
}

/** A connection waits longer after each failed attempt, so every attempt gets a new one. */
async function attempt(address: string): Promise<unknown> {
  const client = connect(address);
  try {
    await call(client, jobs.getJobs, {}, { timeoutMs: attemptMs });
    return undefined;
  } catch (error) {
    // Whoever says that it does not know the method has answered.
    return isUnanswered(error) ? error : undefined;
  } finally {
    client.close();
  }
}
