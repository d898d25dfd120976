import { basename, dirname, join, relative, resolve } from "node:path";

/** The parts of a path on another machine: `scheme://root/rest`. */
export interface RemotePath {
  /** In lower case, without "://". */
  readonly scheme: string;
  /** Bucket, container or host. */
  readonly root: string;
  /** What follows the slash behind the root: "" for the root itself. Kept byte by byte: names of objects may hold anything. */
  readonly rest: string;
}

/** Takes a path with a scheme apart; undefined for a local path. */
export function remotePath(path: string): RemotePath | undefined {
  const [, scheme, root, rest = ""] = /^([a-z][a-z0-9+.-]+):\/\/([^/]*)(?:\/(.*))?$/is.exec(path) ?? [];
  return scheme === undefined ? undefined : { scheme: scheme.toLowerCase(), root: root!, rest };
}

/** As `node:path`'s join for local paths; elsewhere names are put together as they are, so a name may begin with a slash, too. */
export function joinPath(folder: string, name: string): string {
  return remotePath(folder) ? `${folder}/${name}` : join(folder, name);
}

/** The folder that a file lies in: joined with its name it gives the file's path again. */
export function folderOf(path: string): string {
  const remote = remotePath(path);
  if (!remote) return dirname(path);
  const { rest } = remote;
  const start = path.length - rest.length;
  const slash = rest.lastIndexOf("/", rest.length - 2);
  return path.slice(0, slash < 0 ? start - 1 : start + slash);
}

/** The last part of a path. */
export function nameOf(path: string): string {
  const remote = remotePath(path);
  if (!remote) return basename(path);
  const rest = remote.rest.replace(/\/$/, "");
  return rest.slice(rest.lastIndexOf("/") + 1);
}

/** A path below a folder, as seen from there. */
export function relativePath(folder: string, path: string): string {
  if (!remotePath(folder)) return relative(folder, path);
  const start = `${folder}/`;
  if (!path.startsWith(start))
    throw new TypeError(`${JSON.stringify(path)} does not lie in ${JSON.stringify(folder)}.`);
  return path.slice(start.length);
}

/** One name for a place, whatever the working directory is. */
export function absolutePath(path: string): string {
  return remotePath(path) ? path : resolve(path);
}

/** Does a relative path stay in the folder that it is seen from? */
export function staysInside(path: string): boolean {
  return path !== "" && !/^(\/|\\|[a-z]:)/i.test(path) && !path.split(/[/\\]/).includes("..");
}
