/** The programs that runners need, as CI and developers' machines have them. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Releases of Prism that are tested: the current one, and an older one that is still about. */
export const prismReleases = ["2.77", "2.60"] as const;

/**
 * The program `prism` of a release: of the environment variable, else where .ci/run installs it, else (the current one) on the PATH.
 * @throws when there is none
 */
export function prismProgram(release: (typeof prismReleases)[number] = "2.77"): string {
  const variable = `BEAM_INDEXEDDB_PRISM${release === "2.77" ? "" : `_${release.replace(".", "_")}`}`;
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "prism"));
  const candidates = [
    process.env[variable],
    join(root, `.cache/go-bin/${release}/prism`),
    ...(release === "2.77" ? onPath : []),
  ];
  const found = candidates.find((path) => path !== undefined && existsSync(path));
  if (found === undefined)
    throw new Error(`There is no Prism ${release}: .ci/run installs it, or ${variable} names it.`);
  return found;
}

/** Where job servers are fetched to, once for all tests. */
export const cacheFolder = process.env.BEAM_INDEXEDDB_CACHE ?? join(root, ".cache/runners");
