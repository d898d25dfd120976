import { SnapshotError } from "../snapshot/index.js";

/** What ends the wait for a job. */
export interface Interruption {
  /** Fires with RUNNER_JOB_CANCELLED or RUNNER_TIMEOUT as its reason. */
  readonly signal: AbortSignal;
  /** Lets go of the clock and of the outer signal. */
  end(): void;
}

/** Longer timers fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Fires when the user's signal does, or when the time is over, which may be more than a timer can count.
 * @param timeoutMs From now. Default: never.
 * @param advice How a job gets done sooner: "more workers with --parallelism".
 */
export function interruptionBy(
  userSignal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  advice: string,
): Interruption {
  const interruption = new AbortController();
  const interrupt = (): void => {
    interruption.abort(jobCancelled(userSignal?.reason));
  };
  if (userSignal?.aborted === true) interrupt();
  userSignal?.addEventListener("abort", interrupt, { once: true });
  let timer: NodeJS.Timeout | undefined;
  const waitFor = (ms: number): void => {
    timer = setTimeout(
      () => {
        if (ms > longestTimerMs) waitFor(ms - longestTimerMs);
        else interruption.abort(timedOut(timeoutMs!, advice));
      },
      Math.min(ms, longestTimerMs),
    );
  };
  if (timeoutMs !== undefined) waitFor(timeoutMs);
  return {
    signal: interruption.signal,
    end() {
      clearTimeout(timer);
      userSignal?.removeEventListener("abort", interrupt);
    },
  };
}

/** The error of a job that somebody ended. */
export function jobCancelled(cause: unknown): SnapshotError {
  return new SnapshotError(
    "RUNNER_JOB_CANCELLED",
    "The job was cancelled before its end: run it again to get the whole result.",
    { cause },
  );
}

function timedOut(timeoutMs: number, advice: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_TIMEOUT",
    `The job was not done after ${timeoutMs / 1000} s and has been cancelled. Give it more time with --timeout (timeoutMs), or ${advice}.`,
  );
}
