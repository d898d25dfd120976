import { type Attachment, SnapshotError, type SnapshotBlob, toHex } from "../../snapshot/index.js";
import { withSnapshotAt } from "./snapshot-pool.js";

/**
 * The content of a Blob or File in a record's value, read in slices from the snapshot file that the record came from.
 * @throws SnapshotError SNAPSHOT_ATTACHMENT_MISSING when the Blob names no file or the file does not hold its content; FILE_NOT_FOUND
 * @example
 * const content = await openAttachment(note.value.picture);
 * for await (const part of content.stream()) hash.update(part);
 */
export async function openAttachment(blob: SnapshotBlob): Promise<Attachment> {
  const { source, sha256, size } = blob;
  const missing = (why: string): SnapshotError =>
    new SnapshotError(
      "SNAPSHOT_ATTACHMENT_MISSING",
      `The content ${toHex(sha256).slice(0, 12)}... of a Blob can't be found: ${why}.`,
      { file: source },
    );
  if (source === undefined) throw missing("the Blob names no file that holds it");
  await withSnapshotAt(source, (reader) => {
    if (!reader.attachment(sha256)) throw missing(`${JSON.stringify(source)} does not hold it`);
    return Promise.resolve();
  });
  const read = (start: number, end: number) =>
    withSnapshotAt(source, (reader) => reader.attachment(sha256)!.slice(start, end));
  const part = 1 << 20;
  return {
    sha256,
    size,
    slice: read,
    async *stream() {
      for (let at = 0; at < size; at += part) yield await read(at, Math.min(size, at + part));
    },
  };
}
