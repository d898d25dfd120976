import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { runnerApi } from "../../beam/model.js";
import { processesVariable } from "../boot/boot.js";
import { bootLauncher } from "../boot/boot-launcher.js";
import { reportVariable } from "../boot/boot-report.js";
import { bootReports } from "../boot/boot-reports.js";
import { defaultCacheFolder } from "../service/cached-folder.js";
import type { WorkerEnvironment } from "./environment.js";
import { workerFiles } from "./worker-files.js";

/** How the runner starts workers. */
export interface ProcessOptions {
  /** Path of a boot program on each machine of the cluster. Default: the one of this package, for runners on this machine. */
  readonly command?: string | undefined;
  /** Modules that workers import beside those that registered functions: file URLs or names of packages. */
  readonly workerModules?: readonly string[] | undefined;
  /** Processes that share the work of each worker, with the default command. Default 1. */
  readonly parallelism?: number | undefined;
  /** Where the workers' file and the default program are kept. Default: `$XDG_CACHE_HOME/beam-indexeddb` or `~/.cache/beam-indexeddb`. */
  readonly cacheFolder?: string | undefined;
}

/**
 * Workers that the runner starts as processes where it runs. The modules of the pipeline go there as one file.
 *
 * With the default command the workers are on this machine, and their end is noticed here, also by runners that do not notice it. Of workers elsewhere only the
 * runner knows.
 *
 * @throws TypeError for a command with a line end or NUL; SnapshotError RUNNER_MODULE_NOT_FOUND, RUNNER_BUNDLE_FAILED, RUNNER_PROGRAM_MISSING
 */
export async function processEnvironment(options: ProcessOptions = {}): Promise<WorkerEnvironment> {
  const { command, parallelism = 1, cacheFolder = defaultCacheFolder() } = options;
  const artifacts = await workerFiles(options.workerModules, cacheFolder);
  if (command !== undefined)
    return { ...described(checkedCommand(command), {}), artifacts, stop: () => Promise.resolve() };
  const launcher = await bootLauncher(cacheFolder);
  const folder = await mkdtemp(join(tmpdir(), "beam-indexeddb-"));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const socket = join(folder, "boot");
  const reports = await bootReports(socket).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  return {
    ...described(launcher, {
      [reportVariable]: socket,
      [processesVariable]: String(parallelism),
      NODE_PATH: nodePath(),
    }),
    artifacts,
    failure: reports.failure,
    stop: async () => {
      reports.close();
      await removeFolder();
    },
  };
}

function described(
  command: string,
  env: Readonly<Record<string, string>>,
): Pick<WorkerEnvironment, "urn" | "payload"> {
  return {
    urn: "beam:env:process:v1",
    // Any operating system and processor: what a runner knows of its own is not written as Node writes it.
    payload: runnerApi.ProcessPayload.toBinary({ os: "", arch: "", command, env: { ...env } }),
  };
}

/** Where workers on this machine find the packages with native code, which are not in their bundle. */
function nodePath(): string {
  const libsql = createRequire(import.meta.url).resolve("libsql");
  const folder = join("node_modules", "libsql");
  const own = join(libsql.slice(0, libsql.lastIndexOf(folder)), "node_modules");
  return [process.env.NODE_PATH ?? "", own].filter((path) => path !== "").join(delimiter);
}

/** @throws TypeError for what can't be the path of a program */
export function checkedCommand(command: string): string {
  if (command.trim() === "" || /[\0\r\n]/.test(command))
    throw new TypeError(
      `environmentConfig for PROCESS is the path of a boot program on the machines of the cluster, such as /opt/beam-indexeddb/boot, not ${JSON.stringify(command)}.`,
    );
  return command;
}
