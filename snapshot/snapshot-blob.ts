/**
 * A Blob or File inside a decoded value: what it is, not its content. The content lies outside the record, once per hash, and is read in
 * slices: `SnapshotReader.attachment(sha256)` for an open file, `openAttachment(blob)` of `beam-indexeddb/io` in a pipeline.
 */
export class SnapshotBlob {
  /** Hash of the content, 32 bytes: its identity. */
  readonly sha256: Uint8Array;
  /** Bytes. */
  readonly size: number;
  /** MIME type, possibly "". */
  readonly type: string;
  /** Present for a File. */
  readonly name: string | undefined;
  /** Present for a File: milliseconds since the epoch. */
  readonly lastModified: number | undefined;
  /** The snapshot file that holds the content, where the record came from one. Not part of the value. */
  readonly source: string | undefined;

  constructor(parts: {
    readonly sha256: Uint8Array;
    readonly size: number;
    readonly type: string;
    readonly name?: string | undefined;
    readonly lastModified?: number | undefined;
    readonly source?: string | undefined;
  }) {
    if (parts.sha256.length !== 32) throw new TypeError("SnapshotBlob: sha256 must be 32 bytes.");
    if (!Number.isSafeInteger(parts.size) || parts.size < 0)
      throw new TypeError("SnapshotBlob: size must be a whole number of bytes.");
    this.sha256 = parts.sha256;
    this.size = parts.size;
    this.type = parts.type;
    this.name = parts.name;
    this.lastModified = parts.lastModified;
    this.source = parts.source;
  }

  get isFile(): boolean {
    return this.name !== undefined;
  }
}
