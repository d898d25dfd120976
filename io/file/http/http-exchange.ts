import {
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { URL } from "node:url";

/** One request, as it goes over the wire. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Percent-encoded by the caller, and sent as it is. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
}

/** The answer up to where its body begins. */
export interface HttpHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** Takes what comes of a body; a promise means: wait before more is read. */
export type TakePart = (part: Buffer) => void | Promise<void>;

/** How long nothing may come, and how long it may take in all, in milliseconds. */
export interface HttpLimits {
  readonly silenceMs: number;
  readonly totalMs: number;
}

// Connections are kept and shared. Node lets a process end while they are idle.
const http = new HttpAgent({ keepAlive: true, maxSockets: 64 });
const https = new HttpsAgent({ keepAlive: true, maxSockets: 64 });

/**
 * Sends a request and reads the whole answer. `node:http` rather than `fetch`: the path goes out byte by byte as it was signed, a body that ends too early is an
 * error, and a block arrives with one copy.
 *
 * @param begin Gets the head, and says who takes the body.
 * @throws whatever the connection throws; "ECUT" when the answer ends too early, "ESLOW" when it takes too long
 */
export function exchange(
  { method, url, headers = {}, body }: HttpRequest,
  limits: HttpLimits,
  begin: (head: HttpHead) => TakePart,
): Promise<void> {
  return new Promise((done, fail) => {
    const { protocol, hostname, port } = new URL(url);
    const secure = protocol === "https:";
    const sent = (secure ? requestHttps : requestHttp)({
      agent: secure ? https : http,
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: port === "" ? undefined : Number(port),
      path: url.slice(url.indexOf("/", url.indexOf("://") + 3)),
      method,
      headers: { ...headers, ...(body ? { "content-length": String(body.length) } : {}) },
    });
    const slow = (): void => {
      sent.destroy(Object.assign(new Error("no answer in time"), { code: "ESLOW" }));
    };
    const total = setTimeout(slow, limits.totalMs);
    sent.setTimeout(limits.silenceMs, slow);
    sent.once("error", fail);
    let hasAnswer = false;
    sent.once("response", (response: IncomingMessage) => {
      hasAnswer = true;
      receive(response, begin).then(done, (error: unknown) => {
        sent.destroy();
        fail(error instanceof Error ? error : new Error(String(error)));
      });
    });
    sent.once("close", () => {
      clearTimeout(total);
      if (!hasAnswer) fail(cut());
    });
    sent.end(body);
  });
}

async function receive(response: IncomingMessage, begin: (head: HttpHead) => TakePart): Promise<void> {
  const take = begin({ status: response.statusCode!, headers: response.headers });
  for await (const part of response as AsyncIterable<Buffer>) {
    const wait = take(part);
    if (wait) await wait;
  }
  if (!response.complete) throw cut();
}

function cut(): Error {
  return Object.assign(new Error("the answer ended too early"), { code: "ECUT" });
}
