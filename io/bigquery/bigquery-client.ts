import { SnapshotError } from "../../snapshot/index.js";
import { createHttpClient } from "../file/http/http-client.js";
import type { HttpRequest } from "../file/http/http-exchange.js";
import { bigqueryAccessAdvice, bigqueryAuth } from "./bigquery-auth.js";
import { describeErrors, type ErrorBody, errorOf, mayPass } from "./bigquery-error.js";
import type { BigQueryPlace } from "./bigquery-place.js";

/** Speaks with BigQuery's REST API, version 2, for one project. */
export interface BigQueryClient {
  readonly place: BigQueryPlace;
  /** @throws SnapshotError STORE_UNAVAILABLE, STORE_CONSTRAINT for every answer that is neither right nor accepted. */
  call(request: BigQueryRequest): Promise<BigQueryAnswer>;
}

export interface BigQueryRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Behind the project: "/jobs". */
  readonly path: string;
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** The version of the resource that is to be replaced. */
  readonly etag?: string | undefined;
  /** Refusals with these statuses are answers. */
  readonly accept?: readonly number[];
  /** What it is for, after "BigQuery could not". */
  readonly doing: string;
}

export interface BigQueryAnswer {
  readonly status: number;
  /** Undefined for an empty answer. */
  readonly body: unknown;
}

const service = "BigQuery";
/** These are told here; those that may pass are tried again by the client. */
const refusals = [400, 401, 403, 404, 409, 410, 412, 413];

/** BIGQUERY_EMULATOR_HOST names a stand-in, which gets no credentials. */
export function createBigQueryClient(
  place: BigQueryPlace,
  env: NodeJS.ProcessEnv = process.env,
): BigQueryClient {
  const emulator = env.BIGQUERY_EMULATOR_HOST;
  const endpoint = emulator
    ? (/^https?:\/\//i.test(emulator) ? emulator : `http://${emulator}`).replace(/\/+$/, "")
    : "https://bigquery.googleapis.com";
  const http = createHttpClient({
    texts: {
      service,
      accessAdvice: bigqueryAccessAdvice,
      messageOf: (body) => errorOf(Buffer.from(body))?.message ?? "",
    },
    authorize: emulator ? (request: HttpRequest) => Promise.resolve(request) : bigqueryAuth(),
    mayPass: (status, body) => status >= 400 && (errorOf(body)?.errors ?? []).some(mayPass),
    attempts: place.maxAttempts,
  });
  const base = `${endpoint}/bigquery/v2/projects/${encodeURIComponent(place.project)}`;
  return {
    place,
    async call({ method, path, query = {}, body, etag, accept = [], doing }) {
      const parameters = Object.entries(query)
        .filter((entry): entry is [string, string] => entry[1] !== undefined)
        .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
      const answer = await http
        .send({
          method,
          url: `${base}${path}${parameters.length === 0 ? "" : `?${parameters.join("&")}`}`,
          headers: {
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...(etag === undefined ? {} : { "if-match": etag }),
          },
          ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
          path: `bigquery:${place.project}.${place.dataset}`,
          doing: method === "GET" ? "read" : "write",
          accept: refusals,
        })
        .catch((error: unknown) => {
          throw unavailable(error, doing);
        });
      const { status } = answer;
      if (status >= 400) {
        if (!accept.includes(status)) throw refusal(status, errorOf(answer.body), doing);
        return { status, body: undefined };
      }
      return { status, body: answer.body.length === 0 ? undefined : parse(answer.body, doing) };
    },
  };
}

function parse(body: Buffer, doing: string): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new SnapshotError(
      "STORE_UNAVAILABLE",
      `BigQuery could not ${doing}: the answer is no JSON. Is a proxy between this machine and it?`,
    );
  }
}

function unavailable(error: unknown, doing: string): unknown {
  if (!(error instanceof SnapshotError) || error.code === "STORE_UNAVAILABLE") return error;
  return new SnapshotError("STORE_UNAVAILABLE", `BigQuery could not ${doing}: ${error.message}`, {
    cause: error,
  });
}

function refusal(status: number, error: ErrorBody | undefined, doing: string): SnapshotError {
  const said = error?.errors ?? [{ ...(error?.message === undefined ? {} : { message: error.message }) }];
  const advice = status === 401 || status === 403 ? bigqueryAccessAdvice : "Nothing was done.";
  return new SnapshotError(
    status === 401 ? "STORE_UNAVAILABLE" : "STORE_CONSTRAINT",
    `BigQuery could not ${doing}: ${describeErrors(said)} (status ${status}). ${advice}`,
  );
}
