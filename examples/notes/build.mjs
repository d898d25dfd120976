// Bundles the app into dist/: the page's script, and the worker that exports and imports beside it.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));

export async function buildNotes() {
  await build({
    absWorkingDir: here,
    entryPoints: {
      notes: "app.ts",
      worker: fileURLToPath(import.meta.resolve("beam-indexeddb/browser/worker")),
    },
    outdir: "dist",
    bundle: true,
    format: "esm",
    target: ["chrome123", "firefox128", "safari17.5"],
    sourcemap: true,
    minify: true,
    logLevel: "warning",
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildNotes();
