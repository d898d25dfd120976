import { setTimeout as delay } from "node:timers/promises";
import { type Client } from "@grpc/grpc-js";
import { type jobApi } from "../../beam/model.js";
import { SnapshotError } from "../../snapshot/index.js";
import { interruptionBy } from "../interruption.js";
import { call, callForStream } from "../grpc/client.js";
import { jobs } from "../grpc/method.js";
import { followMessages, type MessageListener } from "./follow-messages.js";
import { isUnanswered, jobServerError } from "./grpc-failure.js";
import { isTerminal, type JobState, jobStateOf } from "./job-state.js";

/** How a job is followed. */
export interface FollowOptions {
  readonly address: string;
  /** The job is cancelled when it has not ended after so many milliseconds. Default: never. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the job. */
  readonly signal?: AbortSignal | undefined;
  readonly onMessage?: MessageListener | undefined;
  /** Rejects when the job can't go on, whatever its runner says: its workers or its job server are gone. The job is cancelled then. */
  readonly failure?: Promise<never> | undefined;
}

/** A job that has ended. */
export interface EndedJob {
  readonly state: JobState;
  /** Its messages of the severity "error", in their order. */
  readonly errors: readonly string[];
}

/** A cancelled job gets so long to end: its workers stop by then, or never. */
const cancelGraceMs = 10_000;
const messageGraceMs = 2_000;
const pollMs = 250;
const callTimeoutMs = 10_000;
/** A job server that does not answer for so long is gone. */
const unreachableMs = 15_000;

/**
 * Follows a job to its end.
 * @throws SnapshotError RUNNER_TIMEOUT; RUNNER_JOB_CANCELLED when the signal fires; RUNNER_ENDPOINT_UNREACHABLE when the job server is gone; what
 * `failure` rejects with. In all these cases the job has been cancelled where that was possible.
 */
export async function followJob(client: Client, jobId: string, options: FollowOptions): Promise<EndedJob> {
  const errors: string[] = [];
  const messages = followMessages(client, jobId, (message) => {
    if (message.severity === "error") errors.push(message.text);
    options.onMessage?.(message);
  });
  const following = new AbortController();
  const ended = terminalState(client, jobId, options.address, following.signal);
  ended.catch(() => undefined);
  try {
    const state = await Promise.race([ended, interruption(options, following.signal)]);
    await messages.end(messageGraceMs);
    return { state, errors };
  } catch (error) {
    const state = await cancelled(client, jobId, ended);
    // Between the last look and the cancelling the job may have come to its end.
    if (state === "DONE" && isInterruption(error)) return { state, errors };
    throw error;
  } finally {
    following.abort();
    await messages.end(0);
  }
}

function isInterruption(error: unknown): boolean {
  return (
    error instanceof SnapshotError &&
    (error.code === "RUNNER_TIMEOUT" || error.code === "RUNNER_JOB_CANCELLED")
  );
}

/** The state in which a job stays. The stream of states is a hint: some servers end it early, so in the end the server is asked. */
async function terminalState(
  client: Client,
  jobId: string,
  address: string,
  signal: AbortSignal,
): Promise<JobState> {
  const told = await streamedState(client, jobId, signal);
  if (told) return told;
  let answeredAt = Date.now();
  while (!signal.aborted) {
    try {
      const { state } = await call(client, jobs.getState, { jobId }, { signal, timeoutMs: callTimeoutMs });
      answeredAt = Date.now();
      if (isTerminal(jobStateOf(state))) return jobStateOf(state);
    } catch (error) {
      if (!isUnanswered(error) || Date.now() - answeredAt > unreachableMs)
        throw jobServerError(error, address, `tell the state of the job ${jobId}`);
    }
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
  return "UNSPECIFIED";
}

async function streamedState(
  client: Client,
  jobId: string,
  signal: AbortSignal,
): Promise<JobState | undefined> {
  try {
    const stream = callForStream(client, jobs.getStateStream, { jobId }, { signal });
    for await (const event of stream as AsyncIterable<jobApi.JobStateEvent>) {
      const state = jobStateOf(event.state);
      if (isTerminal(state)) return state;
    }
  } catch {
    // The poll that follows meets the same fault, if it lasts.
  }
  return undefined;
}

/** Rejects when the job must not go on. */
function interruption({ timeoutMs, signal, failure }: FollowOptions, over: AbortSignal): Promise<never> {
  const interrupted = interruptionBy(signal, timeoutMs, "more workers with --parallelism");
  over.addEventListener("abort", () => {
    interrupted.end();
  });
  return new Promise((_, reject) => {
    failure?.catch(reject);
    const abort = (): void => {
      reject(interrupted.signal.reason as Error);
    };
    if (interrupted.signal.aborted) abort();
    interrupted.signal.addEventListener("abort", abort);
  });
}

/** Cancels a job and waits for its end, but not for ever. */
async function cancelled(
  client: Client,
  jobId: string,
  ended: Promise<JobState>,
): Promise<JobState | undefined> {
  const asked = await call(client, jobs.cancel, { jobId }, { timeoutMs: cancelGraceMs }).catch(
    () => undefined,
  );
  if (!asked) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined);
    }, cancelGraceMs);
  });
  const state = await Promise.race([ended.catch(() => undefined), late]);
  clearTimeout(timer);
  return state;
}
