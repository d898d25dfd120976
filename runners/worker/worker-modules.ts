import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { registeredModules } from "../../beam/model.js";
import { SnapshotError } from "../../snapshot/index.js";

/** What a worker has to load before it can run the steps of a pipeline. */
export interface WorkerModules {
  /** What is imported, in this order: file URLs. */
  readonly urls: readonly string[];
  /** Names under which functions were registered here; each must be registered there, too, once all is imported. */
  readonly names: readonly string[];
}

const ownPackage = "beam-indexeddb/";

/**
 * Finds the modules that have registered functions in this process, for workers on this machine.
 * @param further Modules beside them: file URLs, or names that the program can import
 * @throws SnapshotError RUNNER_MODULE_NOT_FOUND for a name that can't be found from the program's main file or the working directory
 * @example await startWorkerPool({ modules: workerModules([import.meta.resolve("my-app/steps")]) });
 */
export function workerModules(further: readonly string[] = []): WorkerModules {
  const names = registeredModules().filter((name) => !name.startsWith("apache-beam"));
  const urls = new Set<string>();
  for (const name of further) urls.add(isUrl(name) ? name : urlOf(name, name));
  for (const name of names) {
    const url = find(name);
    if (url !== undefined) urls.add(url);
    // One of the further modules may register it, under a name of its own choice.
    else if (further.length === 0) urls.add(urlOf(name, name));
  }
  return { urls: [...urls], names };
}

/**
 * Loads modules in a worker.
 * @throws SnapshotError RUNNER_MODULE_NOT_FOUND when one can't be imported, or functions of a name are still not registered
 */
export async function importWorkerModules({ urls, names }: WorkerModules): Promise<void> {
  for (const url of urls) {
    try {
      await import(url);
    } catch (cause) {
      throw new SnapshotError("RUNNER_MODULE_NOT_FOUND", `A worker could not import ${url}.`, { cause });
    }
  }
  const known = new Set(registeredModules());
  const missing = names.filter((name) => !known.has(name));
  if (missing.length > 0) throw notFound(missing[0]!);
}

function urlOf(name: string, registered: string): string {
  const url = find(name);
  if (url === undefined) throw notFound(registered);
  return url;
}

function find(name: string): string | undefined {
  const bases = name.startsWith(ownPackage)
    ? [import.meta.url]
    : [process.argv[1], `${process.cwd()}/package.json`].filter((base) => base !== undefined);
  for (const base of bases) {
    try {
      return pathToFileURL(createRequire(base).resolve(name)).href;
    } catch {
      // Not from here.
    }
  }
  return undefined;
}

function isUrl(name: string): boolean {
  return /^(file|data|node):/.test(name);
}

function notFound(name: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_MODULE_NOT_FOUND",
    `Workers can't find the module ${JSON.stringify(name)}, under which functions of this pipeline are registered. Give where it lies: workerModules: [import.meta.resolve(${JSON.stringify(name)})], or the URL of the file that calls registerFunctions.`,
  );
}
