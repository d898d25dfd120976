import { compareKeyBytes, encodeKey } from "./key.js";

/**
 * A range of keys; an absent bound is open to that side. An `IDBKeyRange` fits structurally.
 * @example { lower: "a", upper: "b", upperOpen: true } // every key that starts with "a", and "a" itself
 */
export interface KeyRange {
  readonly lower?: unknown;
  readonly upper?: unknown;
  /** True leaves `lower` itself out. Default false. */
  readonly lowerOpen?: boolean | undefined;
  /** True leaves `upper` itself out. Default false. */
  readonly upperOpen?: boolean | undefined;
}

/** A KeyRange with its bounds as key bytes, ready for comparing. */
export interface KeyBytesRange {
  readonly lower: Uint8Array | undefined;
  readonly upper: Uint8Array | undefined;
  readonly lowerOpen: boolean;
  readonly upperOpen: boolean;
}

/** The range with its bounds encoded. @throws SnapshotError SNAPSHOT_KEY_INVALID when a bound is no key; TypeError when lower is above upper. */
export function encodeKeyRange(range: KeyRange): KeyBytesRange {
  const lower = range.lower === undefined ? undefined : encodeKey(range.lower);
  const upper = range.upper === undefined ? undefined : encodeKey(range.upper);
  if (lower && upper) {
    const order = compareKeyBytes(lower, upper);
    if (order > 0 || (order === 0 && (range.lowerOpen === true || range.upperOpen === true))) {
      throw new TypeError(
        "The key range is empty: let its lower bound lie below its upper bound, or include the one key that they are.",
      );
    }
  }
  return { lower, upper, lowerOpen: range.lowerOpen ?? false, upperOpen: range.upperOpen ?? false };
}

/** -1 when the key lies below the range, 1 above, 0 inside. */
export function positionInRange(keyBytes: Uint8Array, range: KeyBytesRange): -1 | 0 | 1 {
  if (range.lower) {
    const order = compareKeyBytes(keyBytes, range.lower);
    if (order < 0 || (order === 0 && range.lowerOpen)) return -1;
  }
  if (range.upper) {
    const order = compareKeyBytes(keyBytes, range.upper);
    if (order > 0 || (order === 0 && range.upperOpen)) return 1;
  }
  return 0;
}

/** Could a block whose keys run from `first` to `last` (both included) hold a key of the range? */
export function rangeTouches(first: Uint8Array, last: Uint8Array, range: KeyBytesRange): boolean {
  return positionInRange(last, range) >= 0 && positionInRange(first, range) <= 0;
}
