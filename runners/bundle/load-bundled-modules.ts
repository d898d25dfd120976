import { SnapshotError } from "../../snapshot/index.js";
import { writeFailure } from "../worker/failure-text.js";
import { importWorkerModules } from "../worker/worker-modules.js";
import type { WorkerProcessMessage } from "../worker/worker-process.js";

/** A module of the pipeline inside a bundle. */
export interface BundledModule {
  /** Where it lay when the bundle was made. */
  readonly url: string;
  readonly load: () => Promise<unknown>;
}

/** The first thing that a bundle does. When a module can't be loaded, the parent is told which and why, and the process ends. */
export async function loadBundledModules(
  modules: readonly BundledModule[],
  names: readonly string[],
): Promise<void> {
  try {
    for (const { url, load } of modules) {
      await load().catch((cause: unknown) => {
        throw new SnapshotError(
          "RUNNER_MODULE_NOT_FOUND",
          `A worker could not load ${url}: ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}`,
          { cause },
        );
      });
    }
    await importWorkerModules({ urls: [], names });
  } catch (error) {
    await new Promise<void>((resolve) => {
      const message: WorkerProcessMessage = { failed: writeFailure(error) };
      if (process.send) process.send(message, undefined, undefined, () => resolve());
      else resolve();
    });
    process.exit(1);
  }
}
