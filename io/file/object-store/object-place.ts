import { SnapshotError } from "../../../snapshot/index.js";
import { remotePath } from "../join-path.js";
import type { ObjectPlace } from "./object-store.js";

/** What all three stores take for a name. */
const mostNameBytes = 1024;

/**
 * The object that a path means.
 * @throws TypeError for a path that can mean none
 */
export function objectPlace(path: string): ObjectPlace {
  const { bucket, name } = objectPrefix(path);
  if (name === "")
    throw new TypeError(`${JSON.stringify(path)} names no file: give ${schemeOf(path)}://bucket/name.`);
  checkName(path, name);
  return { bucket, name };
}

/** The same for a folder or the beginning of names, which may be empty. @throws TypeError */
export function objectPrefix(path: string): ObjectPlace {
  const { root, rest } = remotePath(path)!;
  if (!/^[A-Za-z0-9$][A-Za-z0-9._$-]{1,220}$/.test(root) || root.includes("..")) {
    throw new TypeError(
      `${JSON.stringify(root)} in ${JSON.stringify(path)} is no name of a bucket or container. Give ${schemeOf(path)}://bucket/name.`,
    );
  }
  return { bucket: root, name: rest };
}

/**
 * Names with "." and ".." between slashes exist in stores, yet programs and proxies on the way take them for steps from folder to folder: they would be another
 * object's name when they arrive.
 */
function checkName(path: string, name: string): void {
  const problem = (what: string): TypeError =>
    new TypeError(`${JSON.stringify(path)} ${what}. Choose another name.`);
  if (name.split("/").some((part) => part === "." || part === ".."))
    throw problem('has "." or ".." as a part of its name, which is not the name of one object everywhere');
  if (/\p{Surrogate}/u.test(name)) throw problem("has half of a surrogate pair in its name");
  if (/[\0\r\n]/.test(name)) throw problem("has a NUL or a line break in its name");
  if (schemeOf(path) === "az" && /\\|\.(\/|$)/.test(name))
    throw problem(
      "has a backslash, which Blob Storage takes for a slash, or a dot at the end of a part, which it drops",
    );
  if (Buffer.byteLength(name) > mostNameBytes)
    throw problem(`has a name of more than ${mostNameBytes} bytes of UTF-8, and object stores take no more`);
}

function schemeOf(path: string): string {
  return remotePath(path)!.scheme;
}

/** A name in the path of an address: each byte as it is signed, slashes as they are. */
export function encodeName(name: string): string {
  return name.split("/").map(encodePart).join("/");
}

/** Everything but RFC 3986's unreserved characters. */
export function encodePart(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** What is missing when a write finds another state than it was told. */
export function conflictError(path: string): SnapshotError {
  return new SnapshotError(
    "FILE_WRITE_FAILED",
    `${JSON.stringify(path)} was written by somebody else at the same time: nothing was replaced. Run it again.`,
    { file: path },
  );
}
