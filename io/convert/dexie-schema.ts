import { type IndexSchema, type ObjectStoreSchema, SnapshotError } from "../../snapshot/index.js";

/**
 * An object store as Dexie's schema syntax describes it: the primary key, then the indexes, separated by commas. `++` auto-incremented, `&` unique, `*`
 * multiEntry, `[a+b]` compound; an empty primary key means out-of-line keys. Indexes have the names that Dexie gives: their own text.
 * @throws SnapshotError CONVERT_INVALID
 */
export function parseDexieSchema(name: string, schema: string): ObjectStoreSchema {
  const [primary = "", ...parts] = schema.split(",").map((part) => part.trim());
  const autoIncrement = primary.includes("++");
  const path = primary.replace(/^(\+\+|&)+/, "");
  return {
    name,
    keyPath: path === "" ? null : keyPathOf(name, path),
    autoIncrement,
    indexes: parts.filter((part) => part !== "").map((part) => indexOf(name, part)),
  };
}

function indexOf(store: string, part: string): IndexSchema {
  const marks = /^[&*]*/.exec(part)![0];
  const text = part.slice(marks.length);
  return {
    name: text,
    keyPath: keyPathOf(store, text),
    unique: marks.includes("&"),
    multiEntry: marks.includes("*"),
  };
}

function keyPathOf(store: string, text: string): string | readonly string[] {
  if (!text.startsWith("[")) {
    if (text !== "") return text;
  } else if (text.endsWith("]") && text.length > 2) return text.slice(1, -1).split("+");
  throw new SnapshotError(
    "CONVERT_INVALID",
    `The schema of object store ${JSON.stringify(store)} has an index that is none: ${JSON.stringify(text)}.`,
    { store },
  );
}
