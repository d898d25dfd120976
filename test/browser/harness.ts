import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { accessSync, constants } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

/** Real browsers and a local site for them: what every browser test here, and the generator of the example data, starts from. */

export type BrowserName = "chromium" | "firefox";
export const browserNames: readonly BrowserName[] = ["chromium", "firefox"];

const programs = {
  chromium: {
    variable: "CHROMIUM_PATH",
    names: ["chromium", "chromium-browser", "google-chrome"],
    debian: "chromium",
  },
  firefox: { variable: "FIREFOX_PATH", names: ["firefox-esr", "firefox"], debian: "firefox-esr" },
} as const;

/** Path of a browser: the environment variable CHROMIUM_PATH or FIREFOX_PATH, else what PATH has. */
export function findBrowser(name: BrowserName): string | undefined {
  const { variable, names } = programs[name];
  const given = process.env[variable];
  if (given) return given;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const program of names) {
      const path = join(folder, program);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined;
}

/**
 * Whether tests in this browser are to be left out. Says how to install it; in CI (CI=true) a missing browser is a failure instead.
 * @example describe.skipIf(isMissing("firefox"))("in Firefox", ...)
 */
export function isMissing(name: BrowserName): boolean {
  if (findBrowser(name)) return false;
  const { variable, debian } = programs[name];
  const message = `No ${name} was found. Install it (Debian: apt-get install ${debian}) or set ${variable} to its path.`;
  if (process.env.CI === "true") throw new Error(message);
  process.stderr.write(`${message} The tests that need it are skipped.\n`);
  return true;
}

export interface LaunchedBrowser {
  readonly name: BrowserName;
  readonly browser: Browser;
  /** Opens a page of the site and waits until its scripts have run. Errors that the page does not catch end up in `faults`. */
  open(url: string): Promise<Page>;
  readonly faults: string[];
  /** Ends the browser and removes its profile. */
  close(): Promise<void>;
}

/** No first-run pages and no calls to the vendor's servers. */
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

/** Starts a headless browser with a fresh profile. */
export async function launchBrowser(name: BrowserName): Promise<LaunchedBrowser> {
  const executablePath = findBrowser(name);
  if (!executablePath) throw new Error(`No ${name} was found.`);
  const userDataDir = await mkdtemp(join(tmpdir(), `beam-indexeddb-${name}-`));
  const browser = await puppeteer.launch({
    browser: name === "chromium" ? "chrome" : "firefox",
    executablePath,
    headless: true,
    userDataDir,
    protocolTimeout: 600_000,
    args: name === "chromium" ? quiet : [],
    ...(name === "firefox" && {
      extraPrefsFirefox: { "app.update.enabled": false, "datareporting.policy.dataSubmissionEnabled": false },
    }),
  });
  const faults: string[] = [];
  return {
    name,
    browser,
    faults,
    async open(url) {
      const page = await browser.newPage();
      page.on("pageerror", (error) => faults.push(String(error)));
      await page.goto(url, { waitUntil: "load" });
      return page;
    },
    async close() {
      await browser.close();
      await rm(userDataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Peak memory of the browser's processes in MB, by pid; `resetPeaks` starts anew. Linux only. */
export async function memoryPeaks(pid: number): Promise<ReadonlyMap<number, number>> {
  const peaks = new Map<number, number>();
  for (const process of await descendants(pid)) {
    const status = await readFile(`/proc/${process}/status`, "utf8").catch(() => "");
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(status);
    if (peak) peaks.set(process, Number(peak[1]) / 1024);
  }
  return peaks;
}

export async function resetPeaks(pid: number): Promise<void> {
  for (const process of await descendants(pid))
    await writeFile(`/proc/${process}/clear_refs`, "5").catch(() => undefined);
}

async function descendants(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && isBelow(parents.get(pid)!));
  return [...parents.keys()].filter(isBelow);
}

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

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Bundles browser scripts from the sources, by name of the output. The worker of exportDB and importDB is added as "worker.js", where
 * the bundles look for it.
 */
export async function bundleScripts(
  entries: Readonly<Record<string, string>>,
  options: { readonly minify?: boolean } = {},
): Promise<Map<string, Uint8Array>> {
  const result = await build({
    entryPoints: { ...entries, worker: join(root, "browser/worker.ts") },
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
    outdir: join(root, "out"),
    minify: options.minify ?? false,
    logLevel: "error",
  });
  return new Map(
    result.outputFiles.map(({ path, contents }) => [
      `/${path.slice(join(root, "out").length + 1)}`,
      contents,
    ]),
  );
}
