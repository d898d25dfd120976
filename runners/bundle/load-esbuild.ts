import type * as esbuild from "esbuild";
import { SnapshotError } from "../../snapshot/index.js";

type Esbuild = Pick<typeof esbuild, "build">;

/**
 * esbuild, which only workers away from this process need: an optional peer dependency, loaded when it is used.
 * @throws SnapshotError RUNNER_PROGRAM_MISSING with the command that installs it
 */
export async function loadEsbuild(load: () => Promise<Esbuild> = () => import("esbuild")): Promise<Esbuild> {
  try {
    return await load();
  } catch (cause) {
    throw new SnapshotError(
      "RUNNER_PROGRAM_MISSING",
      "The environment types PROCESS and DOCKER, and Dataflow, send the modules of the pipeline to workers as one file, which esbuild makes. Install it with: npm install --save-dev esbuild",
      { cause },
    );
  }
}
