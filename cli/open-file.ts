import { openSnapshot } from "../io/index.js";
import type { SnapshotReader } from "../snapshot/index.js";
import { UsageError } from "./command.js";

/** Opens a snapshot that was named on the command line: a kind of path that is not supported is a mistake in the call. */
export async function openFile(path: string): Promise<SnapshotReader> {
  try {
    return await openSnapshot(path);
  } catch (cause) {
    throw cause instanceof TypeError ? new UsageError(cause.message, { cause }) : cause;
  }
}
