import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { buildWorkerBundle } from "../bundle/build-worker-bundle.js";
import { sha256OfBundle } from "../bundle/worker-bundle-name.js";
import { workerModules } from "../worker/worker-modules.js";
import type { ArtifactFile } from "./environment.js";

const keptMs = 7 * 24 * 3600 * 1000;

/**
 * What workers that start elsewhere are sent: the modules that have registered functions so far, as one file. It lies in the cache folder under its sha256, for a
 * week after it was last sent.
 * @param further Modules beside those that registered functions
 * @throws SnapshotError RUNNER_MODULE_NOT_FOUND, RUNNER_BUNDLE_FAILED, RUNNER_PROGRAM_MISSING
 */
export async function workerFiles(
  further: readonly string[] | undefined,
  cacheFolder: string,
): Promise<readonly ArtifactFile[]> {
  const folder = join(cacheFolder, "bundles");
  const bundle = await buildWorkerBundle(workerModules(further), folder);
  await removeOld(folder);
  return [bundle];
}

async function removeOld(folder: string): Promise<void> {
  const before = Date.now() - keptMs;
  for (const name of await readdir(folder)) {
    if (sha256OfBundle(name.slice(0, name.indexOf(".mjs") + 4)) === undefined) continue;
    const path = join(folder, name);
    // Another process may have removed it.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < before) await rm(path, { force: true });
  }
}
