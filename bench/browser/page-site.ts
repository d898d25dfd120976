import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Site, startSite } from "./serve-site.js";

/** The sources of the page: they are bundled when the bench runs, with the package as it is built. */
const folder = fileURLToPath(new URL("../../../bench/browser/page/", import.meta.url));
const html = `<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/main.js"></script>`;

/** The page that measures, on localhost. */
export async function startPageSite(): Promise<Site> {
  const { outputFiles } = await build({
    entryPoints: ["main", "raw-worker", "own-worker"].map((name) => join(folder, `${name}.ts`)),
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
    outdir: folder,
    logLevel: "error",
  });
  return startSite({
    pages: new Map<string, string | Uint8Array>([
      ["/index.html", html],
      ...outputFiles.map(({ path, contents }) => [`/${basename(path)}`, contents] as const),
    ]),
  });
}
