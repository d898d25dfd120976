import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Compiles a module of the tests, which no build step does, to a file that a worker process can import. The package itself stays outside: the
 * worker has it already.
 */
export async function bundleTestModule(path: string): Promise<string> {
  const cache = join(root, ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "test-module-"));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const outfile = join(folder, "module.mjs");
  await build({
    entryPoints: [join(root, path)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    keepNames: true,
    logLevel: "warning",
    plugins: [
      {
        name: "package-outside",
        setup(bundler) {
          // "../../beam/index.js" of a test is the package's "beam-indexeddb/beam" for a worker.
          bundler.onResolve(
            { filter: /\/(beam|io|transforms|testing|snapshot|pipelines)\/index\.js$/ },
            ({ path: found }) => ({
              path: `beam-indexeddb/${/([a-z]+)\/index\.js$/.exec(found)![1]!}`,
              external: true,
            }),
          );
        },
      },
    ],
  });
  return pathToFileURL(outfile).href;
}
