import { setTimeout as delay } from "node:timers/promises";
import type { IncomingHttpHeaders } from "node:http";
import { SnapshotError } from "../../../snapshot/index.js";
import {
  exchange,
  type HttpHead,
  type HttpLimits,
  type HttpRequest,
  type TakePart,
} from "./http-exchange.js";
import { type FailedAttempt, type ServiceTexts, serviceError } from "./service-error.js";

/** A request to a store, and what its errors are to say. */
export interface StoreRequest extends HttpRequest {
  /** The file that it is about, for messages. */
  readonly path: string;
  readonly doing: "read" | "write";
  /** It asks for one version of the file alone. */
  readonly pinned?: boolean | undefined;
  /** Answers with these statuses are answers, not errors, beside those from 200 to 299. */
  readonly accept?: readonly number[] | undefined;
  /** Answers with these statuses may be otherwise next time, beside 408, 429 and 5xx. */
  readonly passing?: readonly number[] | undefined;
}

export interface StoreAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** An earlier attempt got no answer: it may have done its work. */
  readonly repeated: boolean;
}

/** A stretch of a file. */
export interface StoreRange {
  readonly start: number;
  readonly end: number;
  /** Called with each answer's head: throws when it is of another file than before. */
  readonly check: (headers: IncomingHttpHeaders) => void;
}

/** Sends requests, again where that can help. All: @throws SnapshotError FILE_NOT_FOUND, FILE_ACCESS_DENIED, FILE_READ_FAILED, FILE_WRITE_FAILED */
export interface HttpClient {
  send(request: StoreRequest): Promise<StoreAnswer>;
  /** The bytes of a range; goes on where an answer was cut. */
  readRange(request: StoreRequest, range: StoreRange): Promise<Uint8Array>;
  /** What comes before the body; a long body is left where it is. */
  look(request: StoreRequest): Promise<HttpHead>;
  /** The body from its beginning to its end; `begin` is called at the beginning of each attempt. */
  readWhole(request: StoreRequest, begin: (head: HttpHead) => TakePart): Promise<void>;
}

export interface HttpSettings {
  readonly texts: ServiceTexts;
  /** Adds what authorizes a request: called for each attempt, since permissions end and signatures have a time. */
  readonly authorize: (request: HttpRequest) => Promise<HttpRequest>;
  /** Is an answer a failure that may pass, whatever its status says? */
  readonly mayPass?: ((status: number, body: Buffer) => boolean) | undefined;
  /** What the store learns from a refusal: true when the request is to be sent again at once. */
  readonly onRefusal?: ((head: HttpHead, request: HttpRequest) => boolean) | undefined;
  readonly limits?: HttpLimits | undefined;
  /** Attempts in a row that bring nothing; default 8. */
  readonly attempts?: number | undefined;
}

const defaultLimits: HttpLimits = { silenceMs: 60_000, totalMs: 900_000 };
const firstPauseMs = 200;
const longestPauseMs = 20_000;
const longestAnswerBytes = 64 << 20;

/** The rest of an answer is of no interest. */
const enough = new Error("enough");

/** What an attempt came to. */
interface Outcome {
  readonly head: HttpHead;
  readonly body: Buffer;
}

export function createHttpClient(settings: HttpSettings): HttpClient {
  const { texts, authorize, limits = defaultLimits, attempts = 8 } = settings;
  const mayPass = (request: StoreRequest, status: number, body: Buffer): boolean =>
    status === 408 ||
    status === 429 ||
    status >= 500 ||
    request.passing?.includes(status) === true ||
    settings.mayPass?.(status, body) === true;

  /** Tries until `attempt` gives something else than a failure; a failure that brought the work forward does not count. */
  const persist = async <T>(
    request: StoreRequest,
    attempt: (repeated: boolean) => Promise<{ done: T } | { failed: FailedAttempt; progress: boolean }>,
  ): Promise<T> => {
    let failures = 0;
    let repeated = false;
    let corrections = 0;
    for (;;) {
      const outcome = await attempt(repeated);
      if ("done" in outcome) return outcome.done;
      const { failed, progress } = outcome;
      if ("head" in failed) {
        if (corrections < 2 && settings.onRefusal?.(failed.head, request) === true) {
          corrections++;
          continue;
        }
        if (!mayPass(request, failed.head.status, failed.body)) throw serviceError(request, failed, 1, texts);
      } else repeated = true;
      failures = progress ? 1 : failures + 1;
      if (failures >= attempts) throw serviceError(request, failed, failures, texts);
      await delay("head" in failed ? (retryAfterMs(failed.head) ?? pauseMs(failures)) : pauseMs(failures));
    }
  };

  return {
    send: (request) =>
      persist(request, async (repeated) => {
        try {
          const { head, body } = await once(await authorize(request), limits);
          const accepted = (head.status >= 200 && head.status < 300) || request.accept?.includes(head.status);
          if (accepted === true && settings.mayPass?.(head.status, body) !== true)
            return { done: { ...head, body, repeated } };
          return { failed: { head, body }, progress: false };
        } catch (error) {
          return { failed: connectionFailure(error), progress: false };
        }
      }),

    readRange(request, { start, end, check }) {
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      return persist(request, async () => {
        const before = filled;
        const refused: { head?: HttpHead; parts: Buffer[] } = { parts: [] };
        try {
          const range = `bytes=${start + filled}-${end - 1}`;
          await exchange(
            await authorize({ ...request, headers: { ...request.headers, range } }),
            limits,
            (head) => {
              if (!isRange(head, start + filled, end)) {
                refused.head = head;
                return keepSome(refused.parts);
              }
              check(head.headers);
              return (part) => {
                if (filled + part.length > bytes.length)
                  throw new Error("the answer is longer than what was asked for");
                bytes.set(part, filled);
                filled += part.length;
              };
            },
          );
          const { head, parts } = refused;
          if (head) return { failed: { head, body: Buffer.concat(parts) }, progress: false };
          if (filled === bytes.length) return { done: bytes };
          return { failed: { reason: "the answer ended too early" }, progress: filled > before };
        } catch (error) {
          return { failed: connectionFailure(error), progress: filled > before };
        }
      });
    },

    look: (request) =>
      persist(request, async () => {
        let got: HttpHead | undefined;
        try {
          await exchange(await authorize(request), limits, (head) => {
            got = head;
            return () => {
              if (head.status === 200) throw enough;
            };
          });
        } catch (error) {
          if (error !== enough) return { failed: connectionFailure(error), progress: false };
        }
        const head = got!;
        const accepted =
          (head.status >= 200 && head.status < 300) || request.accept?.includes(head.status) === true;
        return accepted ? { done: head } : { failed: { head, body: Buffer.alloc(0) }, progress: false };
      }),

    readWhole: (request, begin) =>
      persist(request, async () => {
        let refused: HttpHead | undefined;
        try {
          await exchange(await authorize(request), limits, (head) => {
            if (head.status === 200) return begin(head);
            refused = head;
            return keepSome([]);
          });
        } catch (error) {
          return { failed: connectionFailure(error), progress: false };
        }
        return refused
          ? { failed: { head: refused, body: Buffer.alloc(0) }, progress: false }
          : { done: undefined };
      }),
  };
}

/** One attempt; the body is an answer of the service, not of a file, and so of a bounded length. */
export async function once(request: HttpRequest, limits: HttpLimits = defaultLimits): Promise<Outcome> {
  const parts: Buffer[] = [];
  let head: HttpHead | undefined;
  let length = 0;
  await exchange(request, limits, (got) => {
    head = got;
    return (part) => {
      length += part.length;
      if (length > longestAnswerBytes)
        throw new Error(`the answer is longer than ${longestAnswerBytes} bytes`);
      parts.push(part);
    };
  });
  return { head: head!, body: Buffer.concat(parts) };
}

/** A server that knows no ranges sends the whole file; that is the answer only when all of it was asked for. */
function isRange({ status, headers }: HttpHead, start: number, end: number): boolean {
  if (status === 200) return start === 0 && headers["content-length"] === String(end);
  if (status !== 206) return false;
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(headers["content-range"] ?? "") ?? [];
  return Number(first) === start && Number(last) === end - 1;
}

function keepSome(parts: Buffer[]): (part: Buffer) => void {
  let length = 0;
  return (part) => {
    length += part.length;
    if (length > longestAnswerBytes) throw new Error("the answer is no range of the file");
    if (length < 1 << 16) parts.push(part);
  };
}

/** What no other attempt can change is thrown as it is. */
function connectionFailure(error: unknown): FailedAttempt {
  if (error instanceof SnapshotError || !(error instanceof Error)) throw error;
  return { reason: error.message, cause: error };
}

/** Twice as long each time, with chance in it: clients that failed together do not come back together. */
function pauseMs(failures: number): number {
  return Math.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
}

function retryAfterMs({ headers }: HttpHead): number | undefined {
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  return seconds >= 0 ? Math.min(seconds * 1000, 3 * longestPauseMs) : undefined;
}
