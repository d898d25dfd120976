/** The content of a Blob or File in a snapshot, read when asked for, from its beginning. */
export interface Content {
  readonly sha256: Uint8Array;
  /** Bytes. */
  readonly size: number;
  /** All bytes in order, a part (1 MiB at most) at a time. */
  stream(): AsyncIterable<Uint8Array>;
}

/** The content of a Blob or File in a snapshot, read when asked for. */
export interface Attachment extends Content {
  /** Bytes from `start` (included) to `end` (excluded); reads only the parts that hold them. */
  slice(start: number, end: number): Promise<Uint8Array>;
}
