import { SnapshotError } from "./error.js";

/** The same error with the file named, for code that knows it where the cause did not. */
export function inFile(error: unknown, file: string | undefined, offset?: number): unknown {
  if (!(error instanceof SnapshotError) || error.file !== undefined || file === undefined) return error;
  return new SnapshotError(error.code, `${JSON.stringify(file)}: ${error.message}`, {
    file,
    offset: offset ?? error.offset,
    store: error.store,
    key: error.key,
    cause: error.cause,
  });
}
