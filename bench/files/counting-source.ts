import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ByteSource } from "beam-indexeddb/snapshot";

/** A file that counts what is read of it. */
export interface CountingSource extends ByteSource {
  readonly counts: { reads: number; bytes: number };
  slice(start: number, end: number): Uint8Array;
  close(): void;
}

export function countingSource(path: string): CountingSource {
  const file = openSync(path, "r");
  const counts = { reads: 0, bytes: 0 };
  return {
    name: path,
    byteLength: fstatSync(file).size,
    counts,
    slice(start, end) {
      counts.reads++;
      counts.bytes += end - start;
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length;) {
        const read = readSync(file, bytes, at, bytes.length - at, start + at);
        if (read === 0) throw new Error(`${path} ends at byte ${start + at}.`);
        at += read;
      }
      return bytes;
    },
    close: () => closeSync(file),
  };
}
