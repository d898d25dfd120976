import type { ByteSource } from "../../../snapshot/index.js";

/** Reads a stretch of a file; a request each. */
export type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

export interface ReadAheadSource extends ByteSource {
  slice(start: number, end: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A stretch that is here or on its way. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly bytes: Promise<Uint8Array>;
}

/** Somebody who reads on from where they were. */
interface Stream {
  /** Where the next read is expected. */
  next: number;
  /** Bytes that have been asked for, one after the other. */
  consumed: number;
  /** Up to where bytes are here or on their way. */
  fetched: number;
  pieces: Piece[];
}

/** Most that is held for one stream, and for all streams of this process together. */
const mostAhead = 8 << 20;
const mostInAll = 64 << 20;
/** Less than this is not worth a request of its own. */
const leastAhead = 128 << 10;
/** A gap that is cheaper to read than to leave out. */
const smallGap = 16 << 10;
const mostStreams = 16;

/** Sources that are open: they share the memory. */
let open = 0;

/**
 * A file that is far away, read by those who read it in small ranges. Whoever reads on from where they were is read for in advance, by never more than half of what they have
 * taken: so the bytes on the way stay below one and a half times those that are wanted, however short the stretch is, and a whole file comes at the speed of the line.
 */
export function readAhead(name: string, byteLength: number, read: ReadRange): ReadAheadSource {
  const streams: Stream[] = [];
  let closed = false;
  open++;

  const streamAt = (start: number): Stream => {
    const found = streams.findIndex(
      ({ next, fetched }) => start >= next && start <= Math.max(fetched, next + smallGap),
    );
    const stream =
      found < 0 ? { next: start, consumed: 0, fetched: start, pieces: [] } : streams.splice(found, 1)[0]!;
    // The one that was not used for longest stands first.
    streams.push(stream);
    if (streams.length > mostStreams) streams.shift();
    return stream;
  };

  const fetch = (stream: Stream, end: number): void => {
    const start = stream.fetched;
    const bytes = read(start, end);
    // Told to whoever asks for these bytes, if anybody ever does.
    bytes.catch(() => undefined);
    stream.pieces.push({ start, end, bytes });
    stream.fetched = end;
  };

  return {
    name,
    byteLength,
    async slice(start, end) {
      if (start >= end) return new Uint8Array(0);
      const stream = streamAt(start);
      // What lies between two parts of a file that are wanted is left out, unless it is on its way already.
      if (start > stream.fetched) {
        stream.fetched = start;
        stream.pieces = [];
      }
      stream.pieces = stream.pieces.filter((piece) => piece.end > start);
      const share = Math.min(mostAhead, mostInAll / open);
      const ahead = Math.min(share, (stream.consumed + (end - start)) / 2);
      const target = Math.min(byteLength, Math.floor(end + (stream.consumed === 0 ? 0 : ahead)));
      const step = Math.max(Math.min(leastAhead, share / 2), Math.floor(ahead / 2));
      if (stream.fetched < end) fetch(stream, Math.max(end, stream.fetched + step <= target ? target : end));
      else if (stream.fetched + step <= target || (target === byteLength && stream.fetched < target))
        fetch(stream, target);
      stream.next = end;
      stream.consumed += end - start;
      try {
        return await assemble(stream.pieces, start, end);
      } catch (error) {
        // The next who asks for these bytes asks the store again.
        const at = streams.indexOf(stream);
        if (at >= 0) streams.splice(at, 1);
        throw error;
      }
    },
    close() {
      if (!closed) open--;
      closed = true;
      streams.length = 0;
      return Promise.resolve();
    },
  };
}

async function assemble(pieces: readonly Piece[], start: number, end: number): Promise<Uint8Array> {
  const needed = pieces.filter((piece) => piece.start < end && piece.end > start);
  const parts: Uint8Array[] = [];
  for (const { start: from, bytes } of needed) {
    const all = await bytes;
    parts.push(all.subarray(Math.max(0, start - from), end - from));
  }
  if (parts.length === 1) return parts[0]!;
  return new Uint8Array(Buffer.concat(parts));
}
