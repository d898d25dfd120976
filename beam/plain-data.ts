/** Data that a pipeline carries as bytes of the value codec, against what has to be taken apart: functions and instances of classes. */
import { HostObject, SnapshotBlob, SnapshotRecord } from "../snapshot/index.js";
import { isBuiltin } from "./registered.js";

/** True when nothing in the value is a function, a symbol, or an instance of a class that only a registration could rebuild. */
export function isPlainData(value: unknown): boolean {
  return isData(value, new Set());
}

function isData(value: unknown, seen: Set<object>): boolean {
  if (typeof value === "function" || typeof value === "symbol") return false;
  if (typeof value !== "object" || value === null || seen.has(value)) return true;
  seen.add(value);
  if (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Date ||
    value instanceof RegExp
  )
    return true;
  if (value instanceof SnapshotRecord || value instanceof SnapshotBlob || value instanceof HostObject)
    return true;
  if (value instanceof Map) return isMapData(value, seen);
  if (value instanceof Set) return [...(value as Set<unknown>)].every((item) => isData(item, seen));
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (value instanceof Error && isBuiltin(prototype)) return true;
  if (!Array.isArray(value) && prototype !== null && prototype !== Object.prototype) return false;
  for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(value))) {
    if (!("value" in descriptor) || !isData(descriptor.value, seen)) return false;
  }
  return true;
}

function isMapData(map: ReadonlyMap<unknown, unknown>, seen: Set<object>): boolean {
  for (const [key, item] of map) if (!isData(key, seen) || !isData(item, seen)) return false;
  return true;
}
