import { createHash } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildFailure, Message } from "esbuild";
import { SnapshotError } from "../../snapshot/index.js";
import type { ArtifactFile } from "../portable/environment.js";
import type { WorkerModules } from "../worker/worker-modules.js";
import { loadEsbuild } from "./load-esbuild.js";
import { ownModule, ownPackages } from "./own-packages.js";
import { workerBundleName } from "./worker-bundle-name.js";

/** Packages with native code that this package uses itself: they can't be in the bundle and are installed where workers run. */
const nativePackages = ["libsql"];

/** In front of the bundle: CommonJS modules in it find what they expect around them. */
const banner = `import { createRequire as createRequireOfBundle } from "node:module";
import { dirname as dirnameOfBundle } from "node:path";
import { fileURLToPath as fileURLToPathOfBundle } from "node:url";
const require = createRequireOfBundle(import.meta.url);
const __filename = fileURLToPathOfBundle(import.meta.url);
const __dirname = dirnameOfBundle(__filename);`;

/**
 * Makes one file of the modules of a pipeline, the SDK and the program of a worker. It needs nothing but Node: started with a worker's settings as its
 * argument, it serves the runner (runners/worker/worker-process.ts).
 *
 * Guarantees: modules are loaded in the given order, after the SDK; registered names, and names of functions and classes, are those of the sources;
 * nothing is left out as unused. The same modules give the same bytes.
 *
 * @param folder Where the file goes, under a name with its sha256.
 * @throws SnapshotError RUNNER_PROGRAM_MISSING without esbuild; RUNNER_BUNDLE_FAILED with file and line of what can't be bundled
 */
export async function buildWorkerBundle(modules: WorkerModules, folder: string): Promise<ArtifactFile> {
  const esbuild = await loadEsbuild();
  // Names of files in the bundle are relative to a place that does not depend on where this program was started.
  const base = dirname(ownModule("beam-indexeddb/beam"));
  await mkdir(folder, { recursive: true });
  const result = await esbuild
    .build({
      stdin: { contents: entry(modules), resolveDir: base, sourcefile: "worker-entry.js", loader: "js" },
      absWorkingDir: base,
      bundle: true,
      write: false,
      outfile: join(folder, "worker.mjs"),
      platform: "node",
      target: "node20",
      format: "esm",
      minify: false,
      keepNames: true,
      // A module that only registers functions may call itself free of side effects.
      ignoreAnnotations: true,
      legalComments: "none",
      logLevel: "silent",
      external: nativePackages,
      banner: { js: banner },
      plugins: [ownPackages()],
    })
    .catch((error: unknown) => {
      throw bundleFailed(error, base);
    });
  const bytes = result.outputFiles[0]!.contents;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const stagedName = workerBundleName(sha256);
  const path = join(folder, stagedName);
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, bytes);
  await rename(draft, path);
  return { path, stagedName, sha256 };
}

function entry({ urls, names }: WorkerModules): string {
  const worker = ownModule("beam-indexeddb/runners/worker");
  const loader = join(worker, "../../bundle/load-bundled-modules.js");
  const modules = urls.map(
    (url) => `{ url: ${JSON.stringify(url)}, load: () => import(${JSON.stringify(pathOf(url))}) }`,
  );
  return [
    `import ${JSON.stringify(ownModule("beam-indexeddb/beam"))};`,
    `import { loadBundledModules } from ${JSON.stringify(loader)};`,
    `await loadBundledModules([${modules.join(", ")}], ${JSON.stringify(names)});`,
    // Last, since it begins to serve when it is loaded.
    `await import(${JSON.stringify(worker)});`,
  ].join("\n");
}

function pathOf(url: string): string {
  return url.startsWith("file:") ? fileURLToPath(url) : url;
}

function bundleFailed(error: unknown, base: string): SnapshotError {
  const { errors = [] } = error as Partial<BuildFailure>;
  const native = errors.find(({ text }) => text.includes('".node" files'));
  const [first] = errors;
  const text = native
    ? `${placeOf(native, base)} is native code, which can't be sent to other machines as text. Load its package at run time, with createRequire(import.meta.url)("its-name"), and install it where the workers run.`
    : first
      ? `${placeOf(first, base)}: ${first.text}.`
      : String(error);
  return new SnapshotError(
    "RUNNER_BUNDLE_FAILED",
    `The modules of the pipeline can't be made one file for workers: ${text}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ""}`,
    { cause: error },
  );
}

function placeOf({ location }: Message, base: string): string {
  return location ? `${relative("", resolve(base, location.file))}:${location.line}` : "a module";
}
