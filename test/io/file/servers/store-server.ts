/** An object store on this machine, as a real server of its protocol behind a proxy that lets requests go wrong. */
import { existsSync, mkdtempSync } from "node:fs";
import { createServer, request as requestHttp, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../../../runners/service/free-port.js";
import { type RunningProcess, startProcess } from "../../../../runners/service/start-process.js";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

/** What goes wrong with one request. */
export type StoreFault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The connection breaks before the server gets the request, or after it has done it. */
  | { readonly drop: "before" | "after" }
  /** So many bytes of the answer's body come, then the connection breaks. */
  | { readonly cutAt: number }
  /** The answer's body comes in pieces of so many bytes, with a pause in between. */
  | { readonly pieces: number };

/** A request that went through the proxy. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly requestBytes: number;
  /** Of the answer's body. */
  answerBytes: number;
  status: number;
}

export interface StoreServer {
  /** "gs", "s3" or "az". */
  readonly scheme: string;
  /** A path in an empty bucket. */
  readonly folder: string;
  /** What the process's environment must say, so that paths lead to the proxy. */
  readonly env: Readonly<Record<string, string>>;
  readonly requests: SeenRequest[];
  /** The next requests that match get these faults, one each. */
  fail(matches: (request: SeenRequest) => boolean, ...faults: StoreFault[]): void;
  /** Called with each request before it goes on; whatever it returns is waited for. */
  onRequest?: ((request: SeenRequest) => void | Promise<void>) | undefined;
  /** Nothing goes wrong any more, and nothing was seen. */
  reset(): void;
  close(): Promise<void>;
}

/** A server's process, and where it listens. */
export interface Started {
  readonly process: RunningProcess;
  readonly port: number;
}

/** Puts a proxy in front of a started server. */
export async function behindProxy(
  { process, port }: Started,
  describe: (endpoint: string) => Pick<StoreServer, "scheme" | "folder" | "env">,
  /** What the server can't do by itself. True: it was answered. */
  answer?: (request: IncomingMessage, response: ServerResponse, body: Buffer) => Promise<boolean>,
): Promise<StoreServer> {
  let faults: { matches: (request: SeenRequest) => boolean; fault: StoreFault }[] = [];
  const proxy = createServer((request, response) => {
    void bodyOf(request)
      .then((body) => handle(request, response, body))
      .catch(() => request.socket.destroy());
  });
  const handle = async (request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> => {
    const seen: SeenRequest = {
      method: request.method!,
      url: request.url!,
      headers: request.headers,
      requestBytes: body.length,
      answerBytes: 0,
      status: 0,
    };
    server.requests.push(seen);
    await server.onRequest?.(seen);
    const index = faults.findIndex(({ matches }) => matches(seen));
    const fault = index < 0 ? undefined : faults.splice(index, 1)[0]!.fault;
    if (fault && "status" in fault) {
      seen.status = fault.status;
      response.writeHead(fault.status, fault.headers);
      response.end(request.method === "HEAD" ? undefined : fault.body);
      return;
    }
    if (fault && "drop" in fault && fault.drop === "before") {
      request.socket.destroy();
      return;
    }
    if (fault && "drop" in fault && answer) {
      response.writeHead = () => response;
      response.end = () => {
        request.socket.destroy();
        return response;
      };
    }
    if (await answer?.(request, response, body)) return;
    await new Promise<void>((done, failed) => {
      const onward = requestHttp(
        { host: "127.0.0.1", port, method: request.method, path: request.url, headers: request.headers },
        (got) => {
          if (fault && "drop" in fault) {
            got.resume();
            got.once("end", () => {
              request.socket.destroy();
              done();
            });
            return;
          }
          seen.status = got.statusCode!;
          response.writeHead(got.statusCode!, got.headers);
          response.flushHeaders();
          const pass = async (): Promise<void> => {
            for await (const part of got as AsyncIterable<Buffer>) {
              const size = fault && "pieces" in fault ? fault.pieces : part.length;
              for (let at = 0; at < part.length; at += size) {
                const piece = part.subarray(at, at + size);
                const left = fault && "cutAt" in fault ? fault.cutAt - seen.answerBytes : Infinity;
                seen.answerBytes += Math.min(left, piece.length);
                if (piece.length > left) {
                  await new Promise((sent) => response.write(piece.subarray(0, left), sent));
                  request.socket.destroy();
                  return;
                }
                if (!response.write(piece)) await new Promise((drained) => response.once("drain", drained));
              }
            }
            response.end();
          };
          pass().then(done, failed);
        },
      );
      onward.once("error", failed);
      onward.end(body);
    });
  };
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const server: StoreServer = {
    ...describe(endpoint),
    requests: [],
    fail(matches, ...more) {
      faults.push(...more.map((fault) => ({ matches, fault })));
    },
    reset() {
      faults = [];
      server.requests.length = 0;
      server.onRequest = undefined;
    },
    async close() {
      proxy.closeAllConnections();
      await new Promise((done) => proxy.close(done));
      await process.stop();
    },
  };
  return server;
}

/** Starts a program on a free port and waits until `ready` gives something; a server that starts refuses connections at first. */
export async function startServer(
  title: string,
  command: string,
  argsFor: (port: number, folder: string) => readonly string[],
  ready: (port: number) => Promise<unknown>,
  env: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const [port] = await freePorts(1);
  const scratchFolder = mkdtempSync(join(tmpdir(), "beam-indexeddb-store-"));
  const started = startProcess({ title, command, args: argsFor(port!, scratchFolder), env, scratchFolder });
  const answers = async (): Promise<void> => {
    for (let n = 0; ; n++) {
      try {
        await ready(port!);
        return;
      } catch (error) {
        if (n === 1200) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  await Promise.race([answers(), started.failure]);
  return { process: started, port: port! };
}

/** @throws when the program is not installed */
export function programPath(name: string, variable: string, ...places: readonly string[]): string {
  const candidates = [
    process.env[variable],
    ...places.map((place) => join(root, ".cache", place)),
    ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)),
  ];
  const found = candidates.find((path) => path !== undefined && existsSync(path));
  if (found === undefined)
    throw new Error(`There is no ${name}: .ci/run installs it, or ${variable} names it.`);
  return found;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}
