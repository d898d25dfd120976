/** Bytes to read from, wherever they are: a file, a Blob, an HTTP resource. The format reads through this alone, in ranges. */
export interface ByteSource {
  readonly byteLength: number;
  /** Bytes from `start` (included) to `end` (excluded); both lie within the source. The result may be a view. */
  slice(start: number, end: number): Uint8Array | Promise<Uint8Array>;
  /** For messages: a path or an address. */
  readonly name?: string | undefined;
  close?(): void | Promise<void>;
}

/** Where a snapshot is written, front to back. A promise means: wait before writing more. */
export interface ByteSink {
  write(bytes: Uint8Array): void | Promise<void>;
}

/** A ByteSource of bytes in memory. */
export function bytesSource(bytes: Uint8Array, name?: string): ByteSource {
  return { byteLength: bytes.length, slice: (start, end) => bytes.subarray(start, end), name };
}
