import { valueAt } from "../snapshot/key-path.js";
import { compareKeyBytes, encodeKey } from "../snapshot/key.js";

/** The part of a value of this platform, Blobs and Files among it, that a key path names; undefined where there is none. */
export function platformValueAt(value: unknown, keyPath: string | readonly string[]): unknown {
  return valueAt(value, keyPath, (part, name) => Object.hasOwn(part, name) || isPlatformField(part, name));
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
  const own = platformValueAt(value, keyPath);
  if (own === undefined) return false;
  try {
    return compareKeyBytes(encodeKey(own), keyBytes) === 0;
  } catch {
    return false;
  }
}
