import type { ColumnKind } from "./column.js";

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** What an engine's column types do not hold. */
export interface ValueLimits {
  /** The first and last time, in milliseconds since the epoch, of its dates. Default: every time of a Date. */
  readonly earliestDate?: number;
  readonly latestDate?: number;
  /** Whether its texts take NUL. Default true. */
  readonly nul?: boolean;
  /** Longest key, in its encoded bytes. Default: any. */
  readonly maxKeyBytes?: number;
}

/**
 * The narrowest kind of column that holds the value exactly; undefined for null and undefined, which every column holds as NULL.
 * NaN, an invalid Date, a string with a lone surrogate and a BigInt beyond 64 bits have no column type in any engine: they are
 * `json`, where each has a tagged form, and so is what the engine's limits exclude. -0 counts as a number: the row says in `_issues` that it was negative.
 */
export function kindOfValue(value: unknown, limits: ValueLimits = {}): ColumnKind | undefined {
  switch (typeof value) {
    case "undefined":
      return undefined;
    case "string":
      if (!isWellFormed(value)) return "json";
      return limits.nul === false && value.includes("\0") ? "json" : "text";
    case "number":
      if (Number.isSafeInteger(value)) return "integer";
      return Number.isNaN(value) ? "json" : "number";
    case "boolean":
      return "boolean";
    case "bigint":
      return value >= minInt64 && value <= maxInt64 ? "bigint" : "json";
    default:
      if (value === null) return undefined;
      if (value instanceof Date) return isWithin(value.getTime(), limits) ? "date" : "json";
      return value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? "binary" : "json";
  }
}

/** The engine's own, which Node has, and the types do not have yet. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

export function isWithin(
  time: number,
  { earliestDate = -Infinity, latestDate = Infinity }: ValueLimits,
): boolean {
  return time >= earliestDate && time <= latestDate;
}

/** Whether the value's properties become columns. Everything else is one value in one column. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether the value's items can be rows: an array with an item at least, without holes and further properties. */
export function isList(value: unknown): value is readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  // Dense arrays have exactly their indices as keys; the length of a sparse one may be four billion.
  const keys = Object.keys(value);
  return keys.length === value.length && keys.at(-1) === String(value.length - 1);
}
