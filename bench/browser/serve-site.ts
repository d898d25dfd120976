import { readFile } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, resolve } from "node:path";

export interface Site {
  /** Without a slash at the end. */
  readonly origin: string;
  /** Bodies that pages have PUT under /files/, by name; a GET gives them back. */
  readonly files: Map<string, Uint8Array>;
  close(): Promise<void>;
}

export interface SiteOptions {
  /** Files by path, for example "/index.html". */
  readonly pages?: ReadonlyMap<string, string | Uint8Array>;
  /** A folder whose files are served under "/". */
  readonly folder?: string;
}

/** Scripts of the site's own and nothing else: no eval, no inline script, no blob: URL as a script or worker. */
export const strictPolicy =
  "default-src 'self'; script-src 'self'; worker-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

/** A site on localhost (a secure context), under the strict policy. */
export async function startSite({ pages = new Map(), folder }: SiteOptions): Promise<Site> {
  const files = new Map<string, Uint8Array>();
  const server = createServer((request, response) => {
    answer(request, response, pages, folder, files).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((started) => server.listen(0, "localhost", started));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://localhost:${port}`,
    files,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: NonNullable<SiteOptions["pages"]>,
  folder: string | undefined,
  files: Map<string, Uint8Array>,
): Promise<void> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  if (path.startsWith("/files/") && request.method === "PUT") {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    files.set(path.slice(7), new Uint8Array(Buffer.concat(parts)));
    response.writeHead(204).end();
    return;
  }
  const name = path === "/" ? "/index.html" : path;
  const body = files.get(path.slice(7)) ?? pages.get(name) ?? (await fileIn(folder, name));
  if (body === undefined) {
    response.writeHead(404, { "content-type": "text/plain" }).end("There is no such file.");
    return;
  }
  response
    .writeHead(200, {
      "content-type": types[extname(name)] ?? "application/octet-stream",
      "content-security-policy": strictPolicy,
      "cache-control": "no-store",
    })
    .end(body);
}

async function fileIn(folder: string | undefined, name: string): Promise<Uint8Array | undefined> {
  if (folder === undefined) return undefined;
  const path = resolve(folder, `.${name}`);
  if (!path.startsWith(resolve(folder))) return undefined;
  return readFile(path).catch(() => undefined);
}
