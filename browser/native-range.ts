import type { KeyRange } from "../snapshot/index.js";
import type { Environment } from "./environment.js";

/** The platform's range for ours; undefined for a range without bounds. An IDBKeyRange of the platform passes through the same way. */
export function nativeRange(
  range: KeyRange | undefined,
  { keyRange }: Pick<Environment, "keyRange">,
): IDBKeyRange | undefined {
  if (!range) return undefined;
  const { lower, upper, lowerOpen = false, upperOpen = false } = range;
  if (lower !== undefined && upper !== undefined) return keyRange.bound(lower, upper, lowerOpen, upperOpen);
  if (lower !== undefined) return keyRange.lowerBound(lower, lowerOpen);
  return upper === undefined ? undefined : keyRange.upperBound(upper, upperOpen);
}
