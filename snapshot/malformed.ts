import { type ErrorPosition, SnapshotError } from "./error.js";

/** The error for content that breaks the format; `what` begins the sentence. */
export function malformed(what: string, position?: ErrorPosition): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_MALFORMED",
    `${what}. The data was damaged or forged: get it again.`,
    position,
  );
}
