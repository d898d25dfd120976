import type { ByteSource } from "../snapshot/index.js";

/** Each read of a Blob costs a way to the browser's process and back, so a file that is read in order is read in large pieces. */
const pieceBytes = 4 << 20;

/** A Blob to be read by ranges. Where ranges follow one another it reads ahead, as much as was read in that run and at most a piece. */
export function blobSource(blob: Blob): ByteSource {
  let piece = new Uint8Array(0);
  let from = 0;
  let runStart = 0;
  let runEnd = 0;
  return {
    byteLength: blob.size,
    async slice(start, end) {
      const follows = start === runEnd;
      if (!follows) runStart = start;
      runEnd = end;
      if (start < from || end > from + piece.length) {
        const ahead = follows ? Math.min(start + Math.min(start - runStart, pieceBytes), blob.size) : 0;
        const read = new Uint8Array(await blob.slice(start, Math.max(end, ahead)).arrayBuffer());
        if (!follows) return read;
        // Not before it has been read: another range may be asked for meanwhile.
        piece = read;
        from = start;
        return read.subarray(0, end - start);
      }
      return piece.subarray(start - from, end - from);
    },
    ...("name" in blob && { name: String(blob.name) }),
  };
}
