import type { ByteSource } from "../../snapshot/index.js";
import { azureStore } from "./azure/azure-store.js";
import { gcsStore } from "./gs/gcs-store.js";
import { remotePath } from "./join-path.js";
import { localFileSystem } from "./local-file-system.js";
import { objectFileSystem } from "./object-store/object-file-system.js";
import { s3Store } from "./s3/s3-store.js";
import { webFileSystem } from "./web/web-file-system.js";

/** A file that a pattern matched. */
export interface FileMetadata {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
}

/** A file that is being written: nobody sees it under `path` before `close`. */
export interface FileWriter {
  write(bytes: Uint8Array): void | Promise<void>;
  /** Everything is on disk when this resolves, unless the file is temporary. */
  close(): Promise<void>;
  /** Gives up and removes what was written. */
  abort(): Promise<void>;
}

/** An open file. */
export type OpenFile = ByteSource & { close(): Promise<void> };

/** What the connectors need of a file system; small, so that object stores fit behind it. All errors are SnapshotErrors (FILE_...). */
export interface FileSystem {
  /** Files that match a pattern, sorted by path. Wildcards: `*`, `**`, `?`, `[...]`, `{a,b}`; names with a leading dot never match `*`. */
  list(pattern: string): Promise<readonly FileMetadata[]>;
  stat(path: string): Promise<FileMetadata | undefined>;
  /**
   * A file that is replaced while it is read gives the old bytes or an error, never some of both.
   * @throws SnapshotError FILE_NOT_FOUND, FILE_READ_FAILED, FILE_ACCESS_DENIED
   */
  open(path: string): Promise<OpenFile>;
  /**
   * With `temporary` (default false) nothing waits for the disk: for files that are of no use to anybody once this run is over.
   * @throws SnapshotError FILE_NOT_WRITABLE, FILE_DISK_FULL, FILE_WRITE_FAILED, FILE_ACCESS_DENIED
   */
  create(path: string, options?: { readonly temporary?: boolean | undefined }): Promise<FileWriter>;
  /**
   * Creates a small file and tells its identity, or undefined when there is one already: of many callers exactly one succeeds. What a crash may leave behind
   * lies in `workFolder` (default: the file's own).
   */
  createIfAbsent(path: string, bytes: Uint8Array, workFolder?: string): Promise<string | undefined>;
  /** Tells a file from any other that had its name before or will have it. Undefined when there is none. */
  identity(path: string): Promise<string | undefined>;
  /** Replaces a small file and tells its new identity, or undefined when it is not the one with this identity any more. */
  replaceIfSame(
    path: string,
    identity: string,
    bytes: Uint8Array,
    workFolder?: string,
  ): Promise<string | undefined>;
  /** Replaces what is at `to`; atomic. A file that another one replaces at `to` meanwhile stays, and this is an error, where the system can tell. */
  rename(from: string, to: string): Promise<void>;
  /** Does nothing when the file is not there. */
  delete(path: string): Promise<void>;
  /** Does nothing when the file is not there, or is another one. */
  deleteIfSame(path: string, identity: string): Promise<void>;
  deleteFolder(path: string): Promise<void>;
  /** The folders in a folder whose names begin so. */
  listFolders(folder: string, start: string): Promise<readonly string[]>;
  /** When something in a folder was changed last, in milliseconds since the epoch; undefined when there is no such folder. */
  lastChange(folder: string): Promise<number | undefined>;
}

const remote: Readonly<Record<string, FileSystem>> = {
  gs: objectFileSystem(gcsStore()),
  s3: objectFileSystem(s3Store()),
  az: objectFileSystem(azureStore()),
  http: webFileSystem,
  https: webFileSystem,
};

/** The file system of a path. @throws TypeError for a scheme that is not known. */
export function fileSystemOf(path: string): FileSystem {
  const scheme = remotePath(path)?.scheme;
  if (scheme === undefined) return localFileSystem;
  const found = Object.hasOwn(remote, scheme) ? remote[scheme] : undefined;
  if (found) return found;
  throw new TypeError(
    `Paths of the form ${scheme}:// are not supported. Give the path of a local file or folder, or one that begins with gs://, s3://, az:// or https://.`,
  );
}

/** True when a path has wildcards. In an address of the web there are none: "?" begins its query. */
export function isPattern(path: string): boolean {
  return /[*?[\]{}]/.test(path) && !isWebAddress(path);
}

/** True for http:// and https://. */
export function isWebAddress(path: string): boolean {
  return /^https?:\/\//i.test(path);
}
