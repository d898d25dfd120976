import { createSha256 } from "../snapshot/sha256.js";

/** The content of a Blob in slices, so that a file of any size passes through a few megabytes of memory. */
export async function* sliceBlob(blob: Blob, sliceBytes = 1 << 20): AsyncIterable<Uint8Array> {
  for (let start = 0; start < blob.size; start += sliceBytes) {
    yield new Uint8Array(await blob.slice(start, Math.min(start + sliceBytes, blob.size)).arrayBuffer());
  }
}

export async function hashBlob(blob: Blob): Promise<Uint8Array> {
  const hash = createSha256();
  for await (const slice of sliceBlob(blob)) hash.update(slice);
  return hash.digest();
}
