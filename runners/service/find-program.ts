import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { SnapshotError } from "../../snapshot/index.js";

/**
 * A program's file: by path when the name has a "/", else the first of that name in the folders of PATH.
 * @param advice A sentence that tells how it is installed.
 * @throws SnapshotError RUNNER_PROGRAM_MISSING
 */
export function findProgram(name: string, advice: string): string {
  const candidates = name.includes("/")
    ? [resolve(name)]
    : (process.env.PATH ?? "")
        .split(delimiter)
        .filter((folder) => folder !== "")
        .map((folder) => join(folder, name));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  const where = name.includes("/") ? "is not a program" : "is not on the PATH";
  throw new SnapshotError("RUNNER_PROGRAM_MISSING", `${name} ${where}. ${advice}`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
