import { crc32 as crc32InScript } from "./crc32.js";
import type { SnapshotError } from "./error.js";
import { malformed } from "./malformed.js";
import { createSha256, type Sha256 } from "./sha256.js";

/**
 * The three computations that every platform has in native code, each under another name. `webPlatform` serves browsers and Node alike;
 * `beam-indexeddb/io` passes Node's zlib and crypto, which are faster. The results are equal, but compressed bytes may differ between
 * zlib builds.
 */
export interface Platform {
  /** Raw deflate (RFC 1951). */
  deflateRaw(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Inflates to exactly `rawLength` bytes; throws when the data is invalid, shorter or longer, without ever holding much more. */
  inflateRaw(bytes: Uint8Array, rawLength: number): Uint8Array | Promise<Uint8Array>;
  crc32(bytes: Uint8Array, seed?: number): number;
  createSha256(): Sha256;
}

interface Pipe {
  readonly writable: {
    getWriter(): { write(bytes: Uint8Array): Promise<void>; close(): Promise<void>; abort(): Promise<void> };
  };
  readonly readable: {
    getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array }>; cancel(): Promise<void> };
  };
}
declare const CompressionStream: new (format: "deflate-raw") => Pipe;
declare const DecompressionStream: new (format: "deflate-raw") => Pipe;

/** CompressionStream and plain code: runs in every browser and in Node. */
export const webPlatform: Platform = {
  deflateRaw: (bytes) => through(new CompressionStream("deflate-raw"), bytes, Infinity),
  async inflateRaw(bytes, rawLength) {
    let cause: unknown;
    // What is no deflate at all fails with an error of the stream's own.
    const result = await through(new DecompressionStream("deflate-raw"), bytes, rawLength).catch(
      (error: unknown) => void (cause = error),
    );
    if (result?.length !== rawLength) throw lengthMismatch(rawLength, cause);
    return result;
  },
  crc32: crc32InScript,
  createSha256,
};

async function through(pipe: Pipe, bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const writer = pipe.writable.getWriter();
  const reader = pipe.readable.getReader();
  // Fed while the other end is read, or a large input would block for ever. Faults surface at the reading end.
  const feeding = writer.write(bytes).then(() => writer.close());
  feeding.catch(() => undefined);
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || !value) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel().catch(() => undefined);
      throw lengthMismatch(limit);
    }
    parts.push(value);
  }
  await feeding;
  if (parts.length === 1) return parts[0]!;
  const result = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

export function lengthMismatch(rawLength: number, cause?: unknown): SnapshotError {
  return malformed(`A block does not inflate to the ${rawLength} bytes announced`, { cause });
}
