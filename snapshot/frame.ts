import { SnapshotError } from "./error.js";
import { limits } from "./limits.js";
import { malformed } from "./malformed.js";
import { type FrameHeader, frameHeaderMessage } from "./message-codec.js";
import type { Platform } from "./platform.js";

/** "\x89IDB\r\n\x1a\n": text-mode transfers and truncation to 7 bits destroy it visibly (after PNG's signature). */
export const startMagic = Uint8Array.of(0x89, 0x49, 0x44, 0x42, 0x0d, 0x0a, 0x1a, 0x0a);
export const endMagic = Uint8Array.of(0x89, 0x49, 0x44, 0x42, 0x45, 0x4e, 0x44, 0x0a);
export const formatVersion = 1;
/** Magic and version. */
export const startBytes = 12;
/** Offset of the footer's frame (float64), version (uint32), CRC of these twelve bytes (uint32), end magic. */
export const trailerBytes = 24;
export const syncBytes = 16;

/** What a frame holds. Readers pass over kinds that they don't know. */
export const frameKinds = { header: 1, records: 2, attachment: 3, footer: 4 } as const;
export const compressions = { none: 0, deflateRaw: 1 } as const;

/** What every file begins with. */
export function encodeStart(): Uint8Array {
  const bytes = new Uint8Array(startBytes);
  bytes.set(startMagic);
  new DataView(bytes.buffer).setUint32(8, formatVersion, true);
  return bytes;
}

/** What every whole file ends with. */
export function encodeTrailer(footerOffset: number, platform: Platform): Uint8Array {
  const bytes = new Uint8Array(trailerBytes);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, footerOffset, true);
  view.setUint32(8, formatVersion, true);
  view.setUint32(12, platform.crc32(bytes.subarray(0, 12)), true);
  bytes.set(endMagic, 16);
  return bytes;
}

/** Sync marker, kind (1 byte), header length (uint32), header, CRC of all this (uint32). Then the payload. */
export function encodeFrameHead(
  kind: number,
  header: FrameHeader,
  sync: Uint8Array,
  platform: Platform,
): Uint8Array {
  const message = frameHeaderMessage.encode(header);
  const bytes = new Uint8Array(syncBytes + 5 + message.length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set(sync, 0);
  bytes[syncBytes] = kind;
  view.setUint32(syncBytes + 1, message.length, true);
  bytes.set(message, syncBytes + 5);
  const end = syncBytes + 5 + message.length;
  view.setUint32(end, platform.crc32(bytes.subarray(0, end)), true);
  return bytes;
}

export interface FrameHead {
  readonly kind: number;
  readonly header: FrameHeader;
  readonly sync: Uint8Array;
  /** Bytes of the head; the payload follows. */
  readonly length: number;
  /** The header's own bytes: what the snapshot's id is made of. */
  readonly headerBytes: Uint8Array;
}

/** Bytes that are surely enough for a head, without its payload. */
export const maxFrameHeadBytes = syncBytes + 9 + limits.frameHeaderBytes;

/**
 * The frame head at the start of `bytes`, checked by its own CRC before any length in it is believed. `undefined` when `bytes` ends too
 * early; `sync` is compared when given.
 * @throws SnapshotError SNAPSHOT_CHECKSUM_MISMATCH, SNAPSHOT_MALFORMED
 */
export function decodeFrameHead(
  bytes: Uint8Array,
  sync: Uint8Array | undefined,
  offset: number,
  platform: Platform,
): FrameHead | undefined {
  if (bytes.length < syncBytes + 9) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (sync && !startsWith(bytes, sync)) throw mismatch("A wrong sync marker", offset);
  const length = view.getUint32(syncBytes + 1, true);
  if (length > limits.frameHeaderBytes) throw mismatch("A header over its limit", offset);
  const end = syncBytes + 5 + length;
  if (bytes.length < end + 4) return undefined;
  if (platform.crc32(bytes.subarray(0, end)) !== view.getUint32(end, true)) {
    throw mismatch("A wrong checksum of a header", offset);
  }
  const headerBytes = bytes.subarray(syncBytes + 5, end);
  const header = frameHeaderMessage.decode(headerBytes);
  checkHeader(header, offset);
  return { kind: bytes[syncBytes]!, header, sync: bytes.slice(0, syncBytes), length: end + 4, headerBytes };
}

function checkHeader(header: FrameHeader, offset: number): void {
  const { stored_length: stored, raw_length: raw, compression } = header;
  const whole = (n: number) => Number.isSafeInteger(n) && n >= 0;
  if (
    !whole(stored) ||
    !whole(raw) ||
    stored > limits.blockBytes ||
    (compression === compressions.none ? stored !== raw : raw > limits.footerBytes)
  )
    throw malformed(`The frame at byte ${offset} announces lengths that none can have`, { offset });
}

/**
 * The payload, checked by its CRC and inflated.
 * @throws SnapshotError SNAPSHOT_CHECKSUM_MISMATCH; SNAPSHOT_LIMIT_EXCEEDED for a raw length over `maxRaw`; SNAPSHOT_VERSION_UNSUPPORTED for
 *   a compression of a later version
 */
export function openPayload(
  header: FrameHeader,
  stored: Uint8Array,
  offset: number,
  platform: Platform,
  maxRaw: number = limits.compressedRawBytes,
): Uint8Array | Promise<Uint8Array> {
  if (platform.crc32(stored) !== header.crc) throw mismatch("A wrong checksum", offset);
  if (header.compression === compressions.none) return stored;
  if (header.compression !== compressions.deflateRaw) {
    throw new SnapshotError(
      "SNAPSHOT_VERSION_UNSUPPORTED",
      `The block at byte ${offset} has the unknown compression ${header.compression}. Update beam-indexeddb.`,
      { offset },
    );
  }
  if (header.raw_length > maxRaw) {
    throw new SnapshotError(
      "SNAPSHOT_LIMIT_EXCEEDED",
      `The compressed block at byte ${offset} announces ${header.raw_length} bytes, over the limit of ${maxRaw}.`,
      { offset },
    );
  }
  return platform.inflateRaw(stored, header.raw_length);
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

function mismatch(what: string, offset: number): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_CHECKSUM_MISMATCH",
    `${what} at byte ${offset}: the file was damaged or altered. Get it again, or read what is intact with recoverSnapshot (beam-indexeddb recover).`,
    { offset },
  );
}
