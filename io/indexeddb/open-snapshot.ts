import { SnapshotReader } from "../../snapshot/index.js";
import { fileSystemOf } from "../file/file-system.js";
import { nodePlatform } from "../node-platform.js";

/**
 * Opens a snapshot file outside of a pipeline. Close it afterwards.
 * @throws SnapshotError FILE_NOT_FOUND, FILE_READ_FAILED and what SnapshotReader.open throws
 * @example
 * await using snapshot = await openSnapshot("notes.idbsnap");
 * for await (const record of snapshot.records({ stores: ["notes"] })) console.log(record.key);
 */
export async function openSnapshot(path: string): Promise<SnapshotReader> {
  const source = await fileSystemOf(path).open(path);
  try {
    return await SnapshotReader.open(source, { platform: nodePlatform });
  } catch (error) {
    await source.close();
    throw error;
  }
}
