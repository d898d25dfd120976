import { SnapshotError } from "../../snapshot/index.js";
import type { JobMessage, MessageListener } from "../portable/follow-messages.js";
import { isTerminal, type JobState } from "../portable/job-state.js";
import type { DataflowApi, ServiceMessage } from "./dataflow-api.js";
import type { Wait } from "./http-client.js";

/** How a job is followed. */
export interface DataflowFollowing {
  /** Ends asking when `interrupted` fires. */
  readonly watching: DataflowApi;
  /** Goes on then, to cancel the job. */
  readonly ending: DataflowApi;
  /** Fires when the job must not go on. */
  readonly interrupted: AbortSignal;
  readonly wait: Wait;
  readonly onMessage?: MessageListener | undefined;
  /** Called after each look at a job that has not ended. */
  readonly onPoll?: (() => Promise<void>) | undefined;
}

/** A job that has ended. */
export interface EndedDataflowJob {
  readonly state: JobState;
  /** Its messages of the importance "error", each once, in their order. */
  readonly errors: readonly string[];
}

/** A look at a job costs a request, and jobs take minutes: the first looks are for those that fail at once. */
const firstPollMs = 2_000;
const longestPollMs = 15_000;
/** A service that is away for some minutes does not end a job of hours. Each look takes a minute of tries when nobody answers. */
const mostMissedLooks = 10;
/** Ending takes the service a while; this process does not wait for all of it. */
const cancelLooks = 10;
/** The service's messages of the end come some seconds after its state. */
const lateLooks = 3;
/** Messages may come late, so each look begins somewhat before the last one that was seen. */
const overlapMs = 60_000;

/**
 * Follows a job to its end.
 * @throws the reason of `interrupted`, after the job was asked to end; SnapshotError RUNNER_ENDPOINT_UNREACHABLE, RUNNER_SERVICE_FAILED when the
 * service tells no more: the job may go on then
 */
export async function followDataflow(jobId: string, following: DataflowFollowing): Promise<EndedDataflowJob> {
  const { watching, interrupted, wait } = following;
  const messages = new MessageReader(jobId, following.onMessage);
  let missed = 0;
  try {
    for (let pause = firstPollMs; ; pause = Math.min(pause * 1.5, longestPollMs)) {
      interrupted.throwIfAborted();
      try {
        const { state } = await watching.get(jobId);
        await messages.read(watching);
        missed = 0;
        if (isTerminal(state)) return await ended(state, messages, following);
        await following.onPoll?.();
      } catch (error) {
        if (interrupted.aborted || !mayComeBack(error) || ++missed === mostMissedLooks) throw error;
      }
      await wait(pause, interrupted);
    }
  } catch (error) {
    if (!interrupted.aborted) throw goesOn(error, jobId);
    const state = await cancelled(jobId, following);
    // Between the last look and the cancelling the job may have come to its end.
    if (state === "DONE") return await ended(state, messages, following);
    throw interrupted.reason;
  }
}

async function ended(
  state: JobState,
  messages: MessageReader,
  { ending, wait }: DataflowFollowing,
): Promise<EndedDataflowJob> {
  for (let n = 0; n < lateLooks; n++) {
    await messages.read(ending).catch(() => undefined);
    if (state !== "FAILED" || messages.errors.length > 0) break;
    await wait(firstPollMs, undefined);
  }
  return { state, errors: messages.errors };
}

function mayComeBack(error: unknown): boolean {
  if (!(error instanceof SnapshotError)) return false;
  return error.code === "RUNNER_ENDPOINT_UNREACHABLE" || /\(status (?:408|429|5\d\d)\)/.test(error.message);
}

function goesOn(error: unknown, jobId: string): unknown {
  if (!(error instanceof SnapshotError)) return error;
  return new SnapshotError(error.code, `${error.message} The job ${jobId} was left as it is and may go on.`, {
    cause: error,
  });
}

async function cancelled(jobId: string, { ending, wait }: DataflowFollowing): Promise<JobState | undefined> {
  try {
    await ending.request(jobId, "JOB_STATE_CANCELLED");
    for (let n = 0; n < cancelLooks; n++) {
      const { state } = await ending.get(jobId);
      if (isTerminal(state)) return state;
      await wait(firstPollMs, undefined);
    }
  } catch {
    // A job that has ended can't be cancelled; what it came to counts.
    return ending.get(jobId).then(
      ({ state }) => state,
      () => undefined,
    );
  }
  return undefined;
}

class MessageReader {
  readonly errors: string[] = [];
  private readonly jobId: string;
  private readonly listener: MessageListener | undefined;
  private seen = new Map<string, number>();
  private latest = Number.NEGATIVE_INFINITY;

  constructor(jobId: string, listener: MessageListener | undefined) {
    this.jobId = jobId;
    this.listener = listener;
  }

  async read(api: DataflowApi): Promise<void> {
    const since = Number.isFinite(this.latest) ? new Date(this.latest - overlapMs).toISOString() : undefined;
    for (const message of await api.messages(this.jobId, since)) this.take(message);
    // What is older than the next look's begin does not come again.
    for (const [identity, time] of this.seen)
      if (time < this.latest - 2 * overlapMs) this.seen.delete(identity);
  }

  private take({ id, text, importance, time }: ServiceMessage): void {
    const identity = id === "" ? JSON.stringify([time, importance, text]) : id;
    if (this.seen.has(identity)) return;
    const at = Date.parse(time);
    this.seen.set(identity, Number.isNaN(at) ? this.latest : at);
    if (at > this.latest) this.latest = at;
    const severity = severityOf(importance);
    if (severity === "error") this.errors.push(text);
    this.listener?.({ severity, text });
  }
}

function severityOf(importance: string): JobMessage["severity"] {
  switch (importance) {
    case "JOB_MESSAGE_ERROR":
      return "error";
    case "JOB_MESSAGE_WARNING":
      return "warning";
    case "JOB_MESSAGE_DEBUG":
      return "debug";
    default:
      return "info";
  }
}
