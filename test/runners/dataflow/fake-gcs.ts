/** Cloud Storage on this machine: fake-gcs-server, behind a proxy that keeps its uploads to the protocol and lets them go wrong. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../../runners/service/free-port.js";
import { startProcess } from "../../../runners/service/start-process.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** @throws when it is not installed */
function fakeGcsServer(): string {
  const candidates = [
    process.env.BEAM_INDEXEDDB_FAKE_GCS_SERVER,
    join(root, ".cache/go-bin/fake-gcs-server"),
    ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "fake-gcs-server")),
  ];
  const found = candidates.find((path) => path !== undefined && existsSync(path));
  if (found === undefined)
    throw new Error(
      "There is no fake-gcs-server: .ci/run installs it, or BEAM_INDEXEDDB_FAKE_GCS_SERVER names it.",
    );
  return found;
}

/** What goes wrong with one request. */
export type GcsFault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly drop: "before" | "after" }
  /** The connection breaks when so many bytes of the chunk are kept. */
  | { readonly keep: number }
  /** The session is no more. */
  | { readonly forget: true }
  /** A byte becomes another one on the way, and the service notices it or not. */
  | { readonly damage: "noticed" | "unnoticed" };

export type GcsKind = "metadata" | "begin" | "chunk" | "status";

export interface FakeGcs {
  readonly endpoint: string;
  /** The server behind the proxy. */
  readonly server: string;
  /** All requests, in their order: kind, and the range of chunks. */
  readonly requests: string[];
  /** What requests did that the real service refuses. */
  readonly complaints: string[];
  fail(kind: GcsKind, ...faults: GcsFault[]): void;
  /** Nothing goes wrong any more. */
  mend(): void;
  /** Content of an object; undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  names(): Promise<string[]>;
  close(): Promise<void>;
}

interface Session {
  readonly length: number;
  readonly md5: string | undefined;
  kept: Buffer;
  /** When the object is there. */
  final?: { readonly status: number; readonly text: string };
}

/** Buckets there are. */
export const bucket = "my-bucket";
const unit = 256 * 1024;

export async function startFakeGcs(): Promise<FakeGcs> {
  const [port] = await freePorts(1);
  const storage = `http://127.0.0.1:${port!}`;
  const server = startProcess({
    title: "fake-gcs-server",
    command: fakeGcsServer(),
    args: `-scheme http -backend memory -host 127.0.0.1 -port ${port!} -public-host 127.0.0.1:${port!} -log-level error`.split(
      " ",
    ),
  });
  await Promise.race([makeBucket(storage), server.failure]);
  const faults = new Map<GcsKind, GcsFault[]>();
  const sessions = new Map<string, Session>();
  const proxy = createServer((request, response) => {
    void bodyOf(request).then(async (body) => {
      await handle(request, response, body);
    });
  });
  const handle = async (request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> => {
    const url = new URL(request.url ?? "", storage);
    const range = request.headers["content-range"] ?? "";
    const kind: GcsKind =
      request.method === "GET"
        ? "metadata"
        : request.method === "POST"
          ? "begin"
          : range.startsWith("bytes */") && range !== "bytes */0"
            ? "status"
            : "chunk";
    fake.requests.push(kind === "chunk" ? `chunk ${range.slice("bytes ".length)}` : kind);
    const fault = faults.get(kind)?.shift();
    if (fault && "status" in fault) {
      response.writeHead(fault.status, fault.headers);
      response.end(JSON.stringify({ error: { code: fault.status, message: "Injected." } }));
      return;
    }
    if (fault && "drop" in fault && fault.drop === "before") {
      request.socket.destroy();
      return;
    }
    const answer = await answerTo(kind, url, range, body, request, fault);
    if (fault && ("drop" in fault || "keep" in fault)) request.socket.destroy();
    else {
      response.writeHead(answer.status, answer.headers);
      response.end(answer.text);
    }
  };
  const answerTo = async (
    kind: GcsKind,
    url: URL,
    range: string,
    body: Buffer,
    request: IncomingMessage,
    fault: GcsFault | undefined,
  ): Promise<{ status: number; headers: Record<string, string>; text: string }> => {
    if (kind === "metadata" || kind === "begin") {
      const headers = { "content-type": request.headers["content-type"] ?? "application/json" };
      const response = await fetch(`${storage}${url.pathname}${url.search}`, {
        method: request.method!,
        headers,
        body: kind === "begin" ? Uint8Array.from(body) : null,
      });
      const text = await response.text();
      if (kind === "metadata" || !response.ok) return { status: response.status, headers: {}, text };
      const { md5Hash } = JSON.parse(body.toString()) as { md5Hash?: string };
      const session = response.headers.get("location")!;
      const length = Number(request.headers["x-upload-content-length"]);
      sessions.set(session, { length, md5: md5Hash, kept: Buffer.alloc(0) });
      return {
        status: 200,
        headers: { location: `${fake.endpoint}/session/${Buffer.from(session).toString("base64url")}` },
        text: "",
      };
    }
    const id = Buffer.from(url.pathname.slice("/session/".length), "base64url").toString();
    if (request.headers.authorization !== undefined) fake.complaints.push("a session got credentials");
    if (fault && "forget" in fault) sessions.delete(id);
    const session = sessions.get(id);
    if (!session) return { status: 410, headers: {}, text: "" };
    if (session.final) return { ...session.final, headers: {} };
    if (kind === "chunk" && session.length > 0) {
      const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range)?.map(Number) ?? [];
      const isRight =
        total === session.length && start === session.kept.length && end! - start + 1 === body.length;
      if (!isRight || (end! + 1 < total && body.length % unit !== 0)) {
        fake.complaints.push(
          `a chunk ${range} of ${body.length} bytes, when ${session.kept.length} are there`,
        );
        return { status: 400, headers: {}, text: "Invalid request." };
      }
      const arrived = fault && "keep" in fault ? body.subarray(0, fault.keep) : Buffer.from(body);
      if (fault && "damage" in fault) arrived[0]! ^= 1;
      session.kept = Buffer.concat([session.kept, arrived]);
    }
    if (session.kept.length < session.length) {
      const { length } = session.kept;
      return { status: 308, headers: length > 0 ? { range: `bytes=0-${length - 1}` } : {}, text: "" };
    }
    const md5 = createHash("md5").update(session.kept).digest("base64");
    if (session.md5 !== md5 && !(fault && "damage" in fault && fault.damage === "unnoticed")) {
      sessions.delete(id);
      return {
        status: 400,
        headers: {},
        text: JSON.stringify({ error: { message: "Provided MD5 hash doesn't match." } }),
      };
    }
    // The fake ends an upload when it is asked for its state, so it gets all bytes at once.
    const { length } = session.kept;
    const response = await fetch(id, {
      method: "PUT",
      headers: { "content-range": length === 0 ? "bytes */0" : `bytes 0-${length - 1}/${length}` },
      body: Uint8Array.from(session.kept),
    });
    session.final = { status: response.status, text: await response.text() };
    return { ...session.final, headers: {} };
  };
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  const fake: FakeGcs = {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    server: storage,
    requests: [],
    complaints: [],
    fail(kind, ...more) {
      faults.set(kind, [...(faults.get(kind) ?? []), ...more]);
    },
    mend() {
      faults.clear();
    },
    async read(path) {
      const response = await fetch(
        `${storage}/storage/v1/b/${bucket}/o/${encodeURIComponent(path)}?alt=media`,
      );
      return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
    },
    async names() {
      const response = await fetch(`${storage}/storage/v1/b/${bucket}/o`);
      const { items = [] } = (await response.json()) as { items?: { name: string }[] };
      return items.map(({ name }) => name).sort();
    },
    async close() {
      proxy.closeAllConnections();
      await new Promise((done) => proxy.close(done));
      await server.stop();
    },
  };
  return fake;
}

/** A server that starts refuses connections at first. */
async function makeBucket(storage: string): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      const response = await fetch(`${storage}/storage/v1/b`, {
        method: "POST",
        body: JSON.stringify({ name: bucket }),
      });
      await response.text();
      return;
    } catch (error) {
      if (n === 600) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}
