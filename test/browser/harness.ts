import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type BrowserName, browserNames, isMissing } from "../../bench/browser/launch-browser.js";
import { type Site, startSite } from "../../bench/browser/serve-site.js";

/** What every test in real browsers starts from. */

export * from "../../bench/browser/launch-browser.js";
export * from "../../bench/browser/process-memory.js";
export * from "../../bench/browser/serve-site.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Bundles browser scripts from the sources, by name of the output, in chunks that are loaded when they are needed; a service worker, which
 * can load none, in one piece. The worker of exportDB and importDB is added as "worker.js", where the bundles look for it.
 */
export async function bundleScripts(
  entries: Readonly<Record<string, string>>,
  options: { readonly minify?: boolean } = {},
): Promise<Map<string, Uint8Array>> {
  const all = Object.entries({ ...entries, worker: join(root, "browser/worker.ts") });
  const scripts = new Map<string, Uint8Array>();
  for (const splitting of [true, false]) {
    const { outputFiles } = await build({
      entryPoints: Object.fromEntries(all.filter(([name]) => (name !== "service-worker") === splitting)),
      splitting,
      bundle: true,
      format: "esm",
      target: "es2022",
      platform: "browser",
      write: false,
      outdir: join(root, "out"),
      minify: options.minify ?? false,
      logLevel: "error",
    });
    for (const { path, contents } of outputFiles)
      scripts.set(`/${path.slice(join(root, "out").length + 1)}`, contents);
  }
  return scripts;
}

const blank = `<!doctype html><meta charset="utf-8"><title>beam-indexeddb</title><script type="module" src="/main.js"></script>`;

/** The site of the tests here: one page, whose script is page/main.ts, and the scripts of page/ named in `others`. */
export async function startTestSite(...others: readonly string[]): Promise<Site> {
  const scripts = await bundleScripts(
    Object.fromEntries(
      ["main", ...others].map((name) => [name, join(import.meta.dirname, `page/${name}.ts`)]),
    ),
  );
  return startSite({ pages: new Map<string, string | Uint8Array>([["/index.html", blank], ...scripts]) });
}

/** Browsers that are there to be tested in. */
export const installedBrowsers = (): readonly BrowserName[] =>
  browserNames.filter((name) => !isMissing(name));
