/**
 * The part of a value that a key path names (W3C IndexedDB, "evaluate a key path on a value"): own properties, the length of strings and
 * arrays; `undefined` where there is none. A list of paths gives a list, or undefined when one of them leads nowhere.
 *
 * @param hasField which properties of an object count. Default: its own; a DOM's Blob has some on its prototype that count as well.
 * @example valueAt({ author: { id: 7 } }, "author.id"); // 7
 */
export function valueAt(
  value: unknown,
  keyPath: string | readonly string[],
  hasField: (object: object, name: string) => boolean = Object.hasOwn,
): unknown {
  if (typeof keyPath !== "string") {
    const parts = keyPath.map((path) => valueAt(value, path, hasField));
    return parts.includes(undefined) ? undefined : parts;
  }
  if (keyPath === "") return value;
  let part = value;
  for (const name of keyPath.split(".")) {
    if (typeof part === "string" && name === "length") part = part.length;
    else if (typeof part === "object" && part !== null && hasField(part, name))
      part = (part as Readonly<Record<string, unknown>>)[name];
    else return undefined;
  }
  return part;
}
