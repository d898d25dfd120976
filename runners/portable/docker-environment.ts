import { runnerApi } from "../../beam/model.js";
import { defaultCacheFolder } from "../service/cached-folder.js";
import type { WorkerEnvironment } from "./environment.js";
import { workerFiles } from "./worker-files.js";

/** Which container workers run in. */
export interface DockerOptions {
  /** Name of an image whose entry point is the boot program, as the machines of the cluster can pull it. */
  readonly image: string | undefined;
  /** Modules that workers import beside those that registered functions: file URLs or names of packages. */
  readonly workerModules?: readonly string[] | undefined;
  /** Where the workers' file is kept. Default: `$XDG_CACHE_HOME/beam-indexeddb` or `~/.cache/beam-indexeddb`. */
  readonly cacheFolder?: string | undefined;
}

/**
 * Workers that the runner starts in containers. The image holds Node and the boot program; the modules of the pipeline go there as one file, so one image serves
 * all pipelines.
 *
 * @throws TypeError without the name of an image; SnapshotError RUNNER_MODULE_NOT_FOUND, RUNNER_BUNDLE_FAILED, RUNNER_PROGRAM_MISSING
 */
export async function dockerEnvironment({
  image,
  workerModules,
  cacheFolder = defaultCacheFolder(),
}: DockerOptions): Promise<WorkerEnvironment> {
  const containerImage = checkedImage(image);
  return {
    urn: "beam:env:docker:v1",
    payload: runnerApi.DockerPayload.toBinary({ containerImage }),
    artifacts: await workerFiles(workerModules, cacheFolder),
    stop: () => Promise.resolve(),
  };
}

/** @throws TypeError that says how an image is made, when there is none or its name is none */
export function checkedImage(image: string | undefined): string {
  if (image === undefined || image === "")
    throw new TypeError(
      "environmentType DOCKER needs the name of an image with the boot program: --sdkContainerImage=registry.example/beam-indexeddb-worker:1. Build it once with: docker build -t registry.example/beam-indexeddb-worker:1 node_modules/beam-indexeddb && docker push registry.example/beam-indexeddb-worker:1",
    );
  if (image.length > 512 || !/^[a-zA-Z0-9][\w.:/@-]*$/.test(image))
    throw new TypeError(`${JSON.stringify(image)} is no name of a container image.`);
  return image;
}
