import type { ByteSource } from "../../snapshot/index.js";
import { localFileSystem } from "./local-file-system.js";

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

/** What the connectors need of a file system; small, so that object stores fit behind it. All errors are SnapshotErrors (FILE_...). */
export interface FileSystem {
  /** Files that match a pattern, sorted by path. Wildcards: `*`, `**`, `?`, `[...]`, `{a,b}`; names with a leading dot never match `*`. */
  list(pattern: string): Promise<readonly FileMetadata[]>;
  stat(path: string): Promise<FileMetadata | undefined>;
  /** @throws SnapshotError FILE_NOT_FOUND, FILE_READ_FAILED */
  open(path: string): Promise<ByteSource & { close(): Promise<void> }>;
  /**
   * With `temporary` (default false) nothing waits for the disk: for files that are of no use to anybody once this run is over.
   * @throws SnapshotError FILE_NOT_WRITABLE, FILE_DISK_FULL, FILE_WRITE_FAILED
   */
  create(path: string, options?: { readonly temporary?: boolean | undefined }): Promise<FileWriter>;
  /**
   * Creates a small file, or returns false when it is there already: of many callers exactly one succeeds. What a crash may leave behind lies in
   * `workFolder` (default: the file's own).
   */
  createIfAbsent(path: string, bytes: Uint8Array, workFolder?: string): Promise<boolean>;
  /** Replaces what is at `to`; atomic. */
  rename(from: string, to: string): Promise<void>;
  /** Does nothing when the file is not there. */
  delete(path: string): Promise<void>;
  deleteFolder(path: string): Promise<void>;
}

/** The file system of a path. @throws TypeError for a scheme that is not known. */
export function fileSystemOf(path: string): FileSystem {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(path)?.[1]?.toLowerCase();
  if (scheme === undefined) return localFileSystem;
  throw new TypeError(
    `Paths of the form ${scheme}:// are not supported. Give the path of a local file or folder.`,
  );
}

/** True when a path has wildcards. */
export function isPattern(path: string): boolean {
  return /[*?[\]{}]/.test(path);
}
