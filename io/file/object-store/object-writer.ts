import { randomUUID } from "node:crypto";
import { SnapshotError } from "../../../snapshot/index.js";
import type { FileWriter } from "../file-system.js";
import type { ObjectPlace, ObjectStore, ObjectUpload } from "./object-store.js";

/** What fits into it is written with one request. */
const firstPartBytes = 8 << 20;

/**
 * Writes an object in parts, some of which are under way while the next is filled: memory of a few parts, whatever the length. The object is there, whole, when
 * `close` resolves, and is never seen before.
 */
export function objectWriter(store: ObjectStore, place: ObjectPlace, path: string): FileWriter {
  const token = randomUUID();
  let upload: ObjectUpload | undefined;
  let part = Buffer.allocUnsafe(firstPartBytes);
  let filled = 0;
  let number = 0;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  const underWay = new Set<Promise<void>>();

  const usable = (): void => {
    if (failure) throw failure.error;
    if (ended)
      throw new SnapshotError(
        "FILE_WRITE_FAILED",
        `${JSON.stringify(path)} can't be written: it was closed before.`,
        {
          file: path,
        },
      );
  };
  const sendPart = async (): Promise<void> => {
    upload ??= await store.startUpload(place, token);
    const bytes = part.subarray(0, filled);
    part = Buffer.allocUnsafe(upload.partBytes);
    filled = 0;
    const sent: Promise<void> = upload
      .part(number++, bytes)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(sent));
    underWay.add(sent);
    while (underWay.size >= upload.parallel) await Promise.race(underWay);
    usable();
  };
  const writeLong = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(part.length - filled, bytes.length - at);
      part.set(bytes.subarray(at, at + length), filled);
      filled += length;
      at += length;
      // A full part waits until it is known whether it is the last.
      if (at < bytes.length) await sendPart();
    }
  };

  return {
    write(bytes) {
      usable();
      if (filled + bytes.length > part.length) return writeLong(bytes);
      part.set(bytes, filled);
      filled += bytes.length;
      return undefined;
    },
    async close() {
      usable();
      ended = true;
      const bytes = part.subarray(0, filled);
      part = Buffer.alloc(0);
      if (!upload) {
        await store.put(place, bytes, { token });
        return;
      }
      await Promise.all(underWay);

      if (failure) throw failure.error;
      await upload.finish(number, bytes);
    },
    async abort() {
      ended = true;
      part = Buffer.alloc(0);
      await Promise.all(underWay);
      await upload?.abort();
    },
  };
}
