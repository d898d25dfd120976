import { fileSystemOf, isWebAddress } from "./file-system.js";
import { remotePath } from "./join-path.js";
import { objectPrefix } from "./object-store/object-place.js";
import { splitPattern } from "./split-pattern.js";
import { printablePath } from "./printable-path.js";
import { checkWebAddress } from "./web/web-address.js";

/** @throws TypeError for a path or pattern that can mean no file, wherever */
export function checkReadPath(pattern: string): void {
  fileSystemOf(pattern);
  if (isWebAddress(pattern)) checkWebAddress(pattern);
  else if (remotePath(pattern)) objectPrefix(splitPattern(pattern).folder);
}

/** @throws TypeError for a path, or a beginning of paths, where nothing can be written */
export function checkWritePath(path: string): void {
  fileSystemOf(path);
  if (isWebAddress(path)) {
    throw new TypeError(
      `${JSON.stringify(printablePath(path))} can't be written to: files on web servers are only read. Give a local path, or one that begins with gs://, s3:// or az://.`,
    );
  }
  if (remotePath(path)) objectPrefix(path);
}
