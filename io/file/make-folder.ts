import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { SnapshotError } from "../../snapshot/index.js";

/**
 * As `mkdir -p`. Node's own never ends where a folder can't be made although its parent is there (below /proc, for one).
 * @throws the system's error
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  try {
    mkdirSync(path);
  } catch (cause) {
    const parent = dirname(path);
    // Another process may have made it just now.
    if (isFolder(path)) return;
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT" || parent === path || isFolder(parent))
      throw cause;
    makeFolder(parent);
    if (!isFolder(path)) mkdirSync(path);
  }
}

/**
 * Makes the folder of a file that is about to be made.
 * @throws SnapshotError FILE_NOT_WRITABLE
 */
export function makeFolderOf(file: string): void {
  try {
    makeFolder(dirname(file));
  } catch (cause) {
    throw new SnapshotError(
      "FILE_NOT_WRITABLE",
      `The folder of ${file} could not be made: ${cause instanceof Error ? cause.message : String(cause)}. Choose a folder that you may write to.`,
      { file, cause },
    );
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
