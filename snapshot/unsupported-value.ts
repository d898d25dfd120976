import { SnapshotError } from "./error.js";

/** The error for what no database holds. */
export function unsupportedValue(what: string): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_VALUE_UNSUPPORTED",
    `The value contains ${what}, which a snapshot can't hold. Leave it out or turn it into plain data.`,
  );
}
