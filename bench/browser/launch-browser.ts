import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

/** Real browsers, for tests and benches. */

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

/** Starts a headless browser with a fresh profile in `folder`. Pages may take ten minutes for one call. */
export async function launchBrowser(name: BrowserName, folder = tmpdir()): Promise<LaunchedBrowser> {
  const executablePath = findBrowser(name);
  if (!executablePath) throw new Error(`No ${name} was found.`);
  const userDataDir = await mkdtemp(join(folder, `beam-indexeddb-${name}-`));
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
