import { isSnapshotError, SnapshotError, type SnapshotErrorCode } from "../../snapshot/index.js";

/** What DuckDB says, as an error with a code and the file; errors of ours as they are. */
export function duckdbError(error: unknown, file: string): unknown {
  if (isSnapshotError(error) || !(error instanceof Error)) return error;
  const [first = ""] = error.message.split("\n");
  return new SnapshotError(codeOf(first), `DuckDB refused to write into ${file}: ${first}`, {
    file,
    cause: error,
  });
}

function codeOf(message: string): SnapshotErrorCode {
  if (/no space left|disk full/i.test(message)) return "FILE_DISK_FULL";
  if (/^(IO Error|Fatal Error|INTERNAL Error)/i.test(message)) return "FILE_WRITE_FAILED";
  if (/out of memory|could not allocate/i.test(message)) return "STORE_UNAVAILABLE";
  return "STORE_CONSTRAINT";
}
