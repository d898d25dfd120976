import { SnapshotError, type SnapshotReader } from "../../snapshot/index.js";
import { type FileMetadata, fileSystemOf } from "../file/file-system.js";
import { printablePath } from "../file/printable-path.js";
import { openSnapshot } from "./open-snapshot.js";

/**
 * Open snapshots that nobody uses right now, kept for the next block of the same file: reading a file block by block opens it once, not once a
 * block. A file that changed (size or time) is opened anew.
 */
const idle = new Map<string, SnapshotReader>();
const maxIdle = 16;

/** An open snapshot that is in use until it is given back. */
export interface BorrowedSnapshot {
  readonly reader: SnapshotReader;
  /** Names the file in an error of the format, which knows where in the file it is, not always in which. */
  placed(error: unknown): unknown;
  giveBack(): Promise<void>;
}

/** @throws SnapshotError FILE_NOT_FOUND, FILE_READ_FAILED and what SnapshotReader.open throws */
export async function borrowSnapshot(file: FileMetadata): Promise<BorrowedSnapshot> {
  const id = `${file.path}\0${file.size}\0${file.lastModified}`;
  const reader = take(id) ?? (await openSnapshot(file.path));
  return {
    reader,
    placed: (error) => placed(error, file.path),
    giveBack: () => putBack(id, reader),
  };
}

/** Runs an action with an open snapshot. @throws SnapshotError FILE_NOT_FOUND, FILE_READ_FAILED and what SnapshotReader.open throws */
export async function withSnapshot<T>(
  file: FileMetadata,
  action: (reader: SnapshotReader) => Promise<T>,
): Promise<T> {
  const snapshot = await borrowSnapshot(file);
  try {
    return await action(snapshot.reader);
  } catch (error) {
    throw snapshot.placed(error);
  } finally {
    await snapshot.giveBack();
  }
}

/** The same for a file of which only the path is known. */
export async function withSnapshotAt<T>(
  path: string,
  action: (reader: SnapshotReader) => Promise<T>,
): Promise<T> {
  const file = (await fileSystemOf(path).stat(path)) ?? { path, size: -1, lastModified: -1 };
  return withSnapshot(file, action);
}

function take(id: string): SnapshotReader | undefined {
  const reader = idle.get(id);
  idle.delete(id);
  return reader;
}

async function putBack(id: string, reader: SnapshotReader): Promise<void> {
  const twin = idle.get(id);
  idle.set(id, reader);
  if (twin) await twin.close();
  const oldest = idle.size > maxIdle ? idle.keys().next().value : undefined;
  if (oldest !== undefined) await take(oldest)?.close();
}

function placed(error: unknown, path: string): unknown {
  const file = printablePath(path);
  if (!(error instanceof SnapshotError) || error.file !== undefined) return error;
  const { code, message, offset, store, key, cause } = error;
  return new SnapshotError(code, `${JSON.stringify(file)}: ${message}`, {
    file,
    offset,
    store,
    key,
    cause: cause ?? error,
  });
}
