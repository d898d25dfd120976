import { setTimeout as delay } from "node:timers/promises";
import { SnapshotError } from "../../snapshot/index.js";
import type { Authorize } from "./google-auth.js";
import { refusal, unreachable, withoutSecrets } from "./http-error.js";

/** A request to one of Google's services. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  /** For messages, after "Google Cloud did not": "create the job". */
  readonly what: string;
  /** Answers with these statuses are answers, not errors. Default: those from 200 to 299. */
  readonly accept?: readonly number[] | undefined;
  /** Default true. false where the URL itself is the permission. */
  readonly authorized?: boolean | undefined;
  /** Of one attempt. Default: a minute. */
  readonly timeoutMs?: number | undefined;
  /** Default 8. */
  readonly attempts?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends requests, again where that can help. */
export interface HttpClient {
  /**
   * Tries again, later and later, after lost connections and after 408, 429 and 5xx; so a request may have arrived more than once.
   * @throws SnapshotError RUNNER_ENDPOINT_UNREACHABLE when nobody answers; RUNNER_SERVICE_FAILED for any other answer than those accepted; the
   * signal's reason
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** The same for an answer that is a JSON object; one that is cut off or no JSON is a failure that is tried again. */
  sendForJson<T extends object>(request: HttpRequest): Promise<Partial<T>>;
}

/** What a client works with. */
export interface HttpSettings {
  readonly authorize: Authorize;
  /** Ends all waiting and sending. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the time really passes. */
  readonly wait?: Wait | undefined;
}

/** Passes time between two attempts. */
export type Wait = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

const firstPauseMs = 500;
const longestPauseMs = 32_000;
const mostBytes = 64 * 1024 * 1024;

/** The client of a run: it authorizes every request anew, since permissions last an hour and jobs longer. */
export function createHttpClient({ authorize, signal, wait = passTime }: HttpSettings): HttpClient {
  const attempt = async (request: HttpRequest): Promise<HttpAnswer> => {
    const headers = new Headers(request.authorized === false ? {} : await authorize());
    for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name, value);
    const limits = [AbortSignal.timeout(request.timeoutMs ?? 60_000), signal, request.signal];
    const response = await fetch(request.url, {
      method: request.method,
      headers,
      body: request.body ?? null,
      // Whoever redirects is not given credentials. And 308 is an answer of Cloud Storage, not a redirection.
      redirect: "manual",
      signal: AbortSignal.any(limits.filter((one) => one !== undefined)),
    });
    return { status: response.status, headers: response.headers, text: await textOf(response) };
  };
  const send = async <T>(request: HttpRequest, read: (answer: HttpAnswer) => T): Promise<T> => {
    const { what, url, attempts = 8 } = request;
    for (let n = 1; ; n++) {
      signal?.throwIfAborted();
      request.signal?.throwIfAborted();
      let failure: Failure;
      try {
        const answer = await attempt(request);
        if (isAccepted(answer.status, request.accept)) return read(answer);
        failure = {
          error: refusal(what, url, answer),
          isLasting: !mayPass(answer.status),
          pauseMs: retryAfterMs(answer.headers),
        };
      } catch (error) {
        signal?.throwIfAborted();
        request.signal?.throwIfAborted();
        if (error instanceof SnapshotError) throw error;
        failure = {
          error: error instanceof BadAnswer ? bad(what, url, error) : unreachable(what, url, error),
        };
      }
      if (failure.isLasting === true || n >= attempts) throw failure.error;
      await wait(failure.pauseMs ?? pauseMs(n), request.signal ?? signal);
    }
  };
  return {
    send: (request) => send(request, (answer) => answer),
    sendForJson: <T extends object>(request: HttpRequest) => send(request, (answer) => jsonOf<T>(answer)),
  };
}

interface Failure {
  readonly error: SnapshotError;
  readonly isLasting?: boolean | undefined;
  readonly pauseMs?: number | undefined;
}

function isAccepted(status: number, accept: readonly number[] | undefined): boolean {
  return accept ? accept.includes(status) : status >= 200 && status < 300;
}

/** True for what may be otherwise when it is asked again. */
export function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** Twice as long each time, with chance in it: clients that failed together do not come back together. */
export function pauseMs(attempt: number): number {
  const full = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
  return full / 2 + (Math.random() * full) / 2;
}

function retryAfterMs(headers: Headers): number | undefined {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return seconds >= 0 ? Math.min(seconds * 1000, 2 * longestPauseMs) : undefined;
}

/** Lets time pass. @throws the signal's reason */
export async function passTime(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : {});
  } catch {
    signal?.throwIfAborted();
  }
}

/** An answer that is cut off or is no JSON. */
class BadAnswer extends Error {}

function bad(what: string, url: string, { message }: BadAnswer): SnapshotError {
  return new SnapshotError(
    "RUNNER_SERVICE_FAILED",
    `Google Cloud did not ${what}: ${new URL(url).host} answered with ${message}. Is a proxy between this machine and Google Cloud?`,
  );
}

function jsonOf<T extends object>({ text }: HttpAnswer): Partial<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadAnswer(`what is no JSON: ${JSON.stringify(withoutSecrets(text.slice(0, 200)))}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new BadAnswer("JSON that is no object");
  return value;
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > mostBytes) throw new BadAnswer(`more than ${mostBytes / 1024 / 1024} MB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
