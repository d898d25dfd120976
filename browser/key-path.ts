import { encodeKey, compareKeyBytes } from "../snapshot/index.js";

/** The part of a value that a key path names, by the rules of IndexedDB; undefined where there is none. */
export function valueAt(value: unknown, keyPath: string | readonly string[]): unknown {
  if (typeof keyPath !== "string") {
    const parts = keyPath.map((path) => valueAt(value, path));
    return parts.includes(undefined) ? undefined : parts;
  }
  if (keyPath === "") return value;
  let part = value;
  for (const name of keyPath.split(".")) {
    if (typeof part === "string" && name === "length") {
      part = part.length;
    } else if (typeof part !== "object" || part === null) {
      return undefined;
    } else if (Object.hasOwn(part, name) || isPlatformField(part, name)) {
      part = (part as Readonly<Record<string, unknown>>)[name];
    } else {
      return undefined;
    }
  }
  return part;
}

/** The few properties that key paths may name although they live on a prototype. */
function isPlatformField(part: object, name: string): boolean {
  if (typeof Blob === "undefined" || !(part instanceof Blob)) return false;
  return name === "size" || name === "type" || (isFile(part) && (name === "name" || name === "lastModified"));
}

function isFile(blob: Blob): boolean {
  return typeof File !== "undefined" && blob instanceof File;
}

/** Is the value's own key this one? `keyBytes` are compared, so that 0 and -0, or a view and its bytes, are one key as they are to IndexedDB. */
export function hasKey(value: unknown, keyPath: string | readonly string[], keyBytes: Uint8Array): boolean {
  const own = valueAt(value, keyPath);
  if (own === undefined) return false;
  try {
    return compareKeyBytes(encodeKey(own), keyBytes) === 0;
  } catch {
    return false;
  }
}
