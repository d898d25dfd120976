import { folderOf } from "./join-path.js";

/** The folder that a pattern's files lie in, and the part with wildcards ("" when there is none). */
export function splitPattern(pattern: string): { readonly folder: string; readonly glob: string } {
  const segments = pattern.split("/");
  const first = segments.findIndex((segment) => wildcard.test(segment));
  if (first < 0) return { folder: folderOf(unescapeGlob(pattern)), glob: "" };
  const folder = unescapeGlob(segments.slice(0, first).join("/"));
  // Only the documented wildcards are special: browsers name downloads "notes (1).idbsnap".
  const glob = segments
    .slice(first)
    .join("/")
    .replace(/\\?[()!+@|]/g, (char) => (char.length > 1 ? char : `\\${char}`));
  return { folder: folder === "" && first > 0 ? "/" : folder, glob };
}

/** One that no backslash makes plain. */
const wildcard = /(?<!\\)(\\\\)*[*?[{]/;

/** A path as a pattern that matches only itself. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[\]{}()!+@|\\]/g, "\\$&");
}

/** The path that an escaped one means. */
export function unescapeGlob(pattern: string): string {
  return pattern.replace(/\\([*?[\]{}()!+@|\\])/g, "$1");
}
