import { viewOf } from "./key.js";

/** A short printable form for messages: never more than 80 characters. */
export function describeKey(key: unknown): string {
  const text = describe(key, 0);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function describe(key: unknown, depth: number): string {
  if (typeof key === "string") return JSON.stringify(key.slice(0, 80));
  if (Object.is(key, -0)) return "-0";
  if (key instanceof Date)
    return Number.isNaN(key.getTime()) ? "Date(invalid)" : `Date(${key.toISOString()})`;
  if (Array.isArray(key)) {
    return depth > 3
      ? "[...]"
      : `[${key
          .slice(0, 8)
          .map((part) => describe(part, depth + 1))
          .join(", ")}]`;
  }
  const bytes = viewOf(key);
  if (bytes) return `binary(${bytes.length})`;
  return String(key);
}
