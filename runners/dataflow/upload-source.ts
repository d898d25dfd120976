import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";

/** Bytes that are uploaded, readable from any place more than once. */
export interface UploadSource {
  readonly length: number;
  /** Of all bytes, in hexadecimal. */
  readonly sha256: string;
  /** Of all bytes, in base64, as Cloud Storage tells it. */
  readonly md5: string;
  /** For messages. */
  readonly title: string;
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Bytes in memory. They must not change. */
export function bytesSource(title: string, bytes: Uint8Array): UploadSource {
  return {
    length: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    md5: createHash("md5").update(bytes).digest("base64"),
    title,
    read: (start, end) => Promise.resolve(bytes.subarray(start, end)),
  };
}

/** A file, read through once for its checksums. One that changes later does not pass them. */
export async function fileSource(path: string): Promise<UploadSource> {
  const sha256 = createHash("sha256");
  const md5 = createHash("md5");
  let length = 0;
  for await (const data of createReadStream(path) as AsyncIterable<Buffer>) {
    sha256.update(data);
    md5.update(data);
    length += data.length;
  }
  return {
    length,
    sha256: sha256.digest("hex"),
    md5: md5.digest("base64"),
    title: path,
    async read(start, end) {
      const file = await open(path);
      try {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
  };
}
