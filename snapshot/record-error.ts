import { describeKey } from "./describe-key.js";
import { SnapshotError, type SnapshotErrorCode } from "./error.js";

/** An error of one record, which begins the sentence: `what` goes on. */
export function recordError(
  code: SnapshotErrorCode,
  store: string,
  key: unknown,
  what: string,
): SnapshotError {
  const text = describeKey(key);
  return new SnapshotError(code, `The record ${text} of "${store}" ${what}`, { store, key: text });
}
