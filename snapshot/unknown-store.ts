import { SnapshotError } from "./error.js";

/** The error for an object store that is not among `stores`; `where` begins the sentence. */
export function unknownStore(
  where: string,
  store: string,
  stores: Iterable<string>,
  file?: string,
): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_STORE_UNKNOWN",
    `${where} has no object store ${JSON.stringify(store)}. Its stores are: ${[...stores].join(", ") || "none"}.`,
    { file, store },
  );
}
