import { createGunzip } from "node:zlib";
import { pipeline, Readable } from "node:stream";
import { type ByteSource, isSnapshotError, SnapshotError } from "../../snapshot/index.js";

/** A line of a text file, without its end. */
export interface TextLine {
  readonly bytes: Uint8Array;
  /** Byte at which it begins, in the text as it is without compression. */
  readonly offset: number;
}

const pieceBytes = 1 << 20;
/** Longer ones are no lines of records: a value of 128 MB is the most that anything here carries. */
export const maxLineBytes = 256 << 20;
const newline = 10;

/**
 * The lines of a file, gzipped or not, without their ends; empty ones are passed over. Memory: a piece of the file and a line.
 * @throws SnapshotError FILE_READ_FAILED, SNAPSHOT_LIMIT_EXCEEDED for a line of over `maxLineBytes`
 */
export async function* readLines(
  source: ByteSource,
  file: string,
): AsyncGenerator<TextLine, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let start = 0;
  for await (const piece of textPieces(source, file)) {
    let at = 0;
    for (let end = piece.indexOf(newline, at); end >= 0; end = piece.indexOf(newline, at)) {
      parts.push(piece.subarray(at, end));
      length += end - at;
      const bytes = withoutReturn(joined(parts, length));
      if (bytes.length > 0) yield { bytes, offset: start };
      start += length + 1;
      parts = [];
      length = 0;
      at = end + 1;
    }
    parts.push(piece.subarray(at));
    length += piece.length - at;
    if (length > maxLineBytes)
      throw new SnapshotError(
        "SNAPSHOT_LIMIT_EXCEEDED",
        `The line at byte ${start} of ${JSON.stringify(file)} is longer than ${maxLineBytes} bytes.`,
        { file, offset: start },
      );
  }
  const bytes = withoutReturn(joined(parts, length));
  if (bytes.length > 0) yield { bytes, offset: start };
}

/** @throws SnapshotError SNAPSHOT_MALFORMED for what is no UTF-8 */
export function textOf({ bytes }: TextLine): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new SnapshotError("SNAPSHOT_MALFORMED", "The line is no UTF-8.", { cause });
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function withoutReturn(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
}

async function* textPieces(source: ByteSource, file: string): AsyncGenerator<Uint8Array, void, undefined> {
  const head = await source.slice(0, Math.min(2, source.byteLength));
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  if (!isGzip) {
    yield* pieces(source);
    return;
  }
  const gunzip = createGunzip();
  let taken = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces(source)) {
      taken += piece.length;
      yield piece;
    }
  };
  // An error of the file ends the reading of what is unpacked, too.
  pipeline(Readable.from(counted()), gunzip, () => undefined);
  try {
    for await (const piece of gunzip) yield piece as Uint8Array;
  } catch (cause) {
    if (isSnapshotError(cause)) throw cause;
    throw damagedGzip(file, (cause as Error).message, cause);
  } finally {
    gunzip.destroy();
  }
  // What follows the last member and is none is passed over by zlib in silence.
  if (taken !== source.byteLength || gunzip.bytesWritten !== source.byteLength)
    throw damagedGzip(
      file,
      `${source.byteLength - gunzip.bytesWritten} bytes at its end belong to no member`,
    );
}

function damagedGzip(file: string, why: string, cause?: unknown): SnapshotError {
  return new SnapshotError(
    "FILE_READ_FAILED",
    `${JSON.stringify(file)} is a damaged gzip file: ${why}. Get it again.`,
    { file, cause },
  );
}

async function* pieces(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < source.byteLength; at += pieceBytes)
    yield await source.slice(at, Math.min(at + pieceBytes, source.byteLength));
}
