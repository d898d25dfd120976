import { fileSystemOf } from "./file-system.js";

/** All of a small file, as text. @throws SnapshotError FILE_NOT_FOUND, FILE_READ_FAILED, FILE_ACCESS_DENIED */
export async function readText(path: string): Promise<string> {
  const file = await fileSystemOf(path).open(path);
  try {
    return Buffer.from(await file.slice(0, file.byteLength)).toString("utf8");
  } finally {
    await file.close();
  }
}
