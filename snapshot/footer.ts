import type { ByteSource } from "./byte-source.js";
import { SnapshotError } from "./error.js";
import {
  decodeFrameHead,
  endMagic,
  formatVersion,
  type FrameHead,
  frameKinds,
  openPayload,
  startBytes,
  startMagic,
  startsWith,
  trailerBytes,
} from "./frame.js";
import { headerFromMessage, type SnapshotHeader } from "./header.js";
import { compressedFooterBytes } from "./limits.js";
import { footerMessage, type FrameEntryMessage, type FrameHeader } from "./message-codec.js";
import type { Platform } from "./platform.js";
import { toHex } from "./sha256.js";
import { decodeText } from "./text.js";
import type { UnportableCount } from "./summary.js";

/** The first read from the end of a file: most footers fit, so opening takes one read; larger ones take two. */
const tailBytes = 64 << 10;

export interface Footer {
  readonly header: SnapshotHeader;
  readonly frames: readonly FrameEntryMessage[];
  readonly id: string;
  readonly sync: Uint8Array;
  readonly unportable: readonly UnportableCount[];
  /** Where the footer's frame starts: all other frames end here. */
  readonly offset: number;
}

/**
 * Finds and reads the footer from the end of the file.
 * @throws SnapshotError SNAPSHOT_EMPTY, SNAPSHOT_BAD_MAGIC, SNAPSHOT_VERSION_UNSUPPORTED, SNAPSHOT_TRUNCATED,
 *   SNAPSHOT_CHECKSUM_MISMATCH, SNAPSHOT_MALFORMED
 */
export async function readFooter(source: ByteSource, platform: Platform): Promise<Footer> {
  const { byteLength } = source;
  if (byteLength === 0)
    throw new SnapshotError("SNAPSHOT_EMPTY", `${named(source)} is empty: nothing was ever written to it.`, {
      file: source.name,
    });
  const tailStart = Math.max(0, byteLength - tailBytes);
  const tail = await source.slice(tailStart, byteLength);
  const offset =
    tail.length >= trailerBytes + startBytes
      ? readTrailer(tail.subarray(tail.length - trailerBytes), source, platform)
      : undefined;
  if (offset === undefined) throw await diagnose(source);
  if (offset < startBytes || offset > byteLength - trailerBytes)
    throw malformed("points outside of the file", source);
  const frame =
    offset >= tailStart
      ? tail.subarray(offset - tailStart, tail.length - trailerBytes)
      : await source.slice(offset, byteLength - trailerBytes);
  const head = decodeFrameHead(frame, undefined, offset, platform);
  if (head?.kind !== frameKinds.footer || head.length + head.header.stored_length !== frame.length) {
    throw malformed("does not point to a footer", source);
  }
  const payload = await openPayload(
    head.header,
    frame.subarray(head.length),
    offset,
    platform,
    compressedFooterBytes(offset),
  );
  return parseFooter(payload, head, offset, source);
}

function readTrailer(trailer: Uint8Array, source: ByteSource, platform: Platform): number | undefined {
  if (!startsWith(trailer.subarray(16), endMagic)) return undefined;
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailerBytes);
  if (platform.crc32(trailer.subarray(0, 12)) !== view.getUint32(12, true)) {
    throw new SnapshotError(
      "SNAPSHOT_CHECKSUM_MISMATCH",
      `The last bytes of ${named(source)} were altered.`,
      { file: source.name },
    );
  }
  checkVersion(view.getUint32(8, true), source);
  return view.getFloat64(0, true);
}

function checkVersion(version: number, source: ByteSource): void {
  if (version === formatVersion) return;
  throw new SnapshotError(
    "SNAPSHOT_VERSION_UNSUPPORTED",
    `${named(source)} is a snapshot of format version ${version}; this library reads version ${formatVersion}. Update beam-indexeddb.`,
    { file: source.name },
  );
}

/** Why a file has no trailer: it is no snapshot at all, one of another version, or one that ends too early. */
async function diagnose(source: ByteSource): Promise<SnapshotError> {
  const start = await source.slice(0, Math.min(startBytes, source.byteLength));
  const known = Math.min(start.length, startMagic.length);
  if (!startsWith(start, startMagic.subarray(0, known))) {
    return new SnapshotError(
      "SNAPSHOT_BAD_MAGIC",
      `${named(source)} is not an IndexedDB snapshot (.idbsnap): its first bytes are others.`,
      { file: source.name, offset: 0 },
    );
  }
  if (start.length === startBytes) {
    try {
      checkVersion(new DataView(start.buffer, start.byteOffset, startBytes).getUint32(8, true), source);
    } catch (error) {
      return error as SnapshotError;
    }
  }
  return new SnapshotError(
    "SNAPSHOT_TRUNCATED",
    `${named(source)} ends too early: it is ${source.byteLength} bytes long and has no footer, so the export or copy was not finished. Get it again, or read what is intact with recoverSnapshot (beam-indexeddb recover).`,
    { file: source.name, offset: source.byteLength },
  );
}

function parseFooter(payload: Uint8Array, head: FrameHead, offset: number, source: ByteSource): Footer {
  const message = footerMessage.decode(payload);
  const frames = message.frames ?? [];
  if (!message.header || message.id?.length !== 32) throw malformed("has no header or id", source);
  const header = headerFromMessage(message.header);
  checkFrames(frames, header.database.objectStores.length, offset, source);
  return {
    header,
    frames,
    id: toHex(message.id),
    sync: head.sync,
    offset,
    unportable: (message.unportable ?? []).map((entry) => ({
      store: decodeText(entry.store ?? new Uint8Array(1)) ?? "",
      type: decodeText(entry.type ?? new Uint8Array(1)) ?? "",
      count: entry.count ?? 0,
      policy: decodeText(entry.policy ?? new Uint8Array(1)) === "skip" ? "skip" : "placeholder",
    })),
  };
}

/** Frames lie one after the other between start and footer; each entry's lengths must leave room for the next. */
function checkFrames(
  frames: readonly FrameEntryMessage[],
  stores: number,
  end: number,
  source: ByteSource,
): void {
  if (frames[0]?.kind !== frameKinds.header || frames[0].offset !== startBytes)
    throw malformed("does not list the header first", source);
  let at = startBytes;
  for (const { kind, offset, header } of frames) {
    // protobuf can leave any field out, whatever the writer is bound to.
    if (
      (header as FrameHeader | null) === null ||
      offset < at ||
      !(header.stored_length >= 0) ||
      !(header.raw_length >= 0)
    )
      throw malformed("lists frames that overlap", source);
    if (kind === frameKinds.records && (header.store ?? 0) >= stores)
      throw malformed("lists a block of an unknown object store", source);
    at = offset + header.stored_length;
  }
  if (!(at <= end)) throw malformed("lists frames beyond the file", source);
}

function malformed(what: string, source: ByteSource): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_MALFORMED",
    `The footer of ${named(source)} ${what}. The file was damaged or forged.`,
    { file: source.name },
  );
}

export function named(source: ByteSource): string {
  return source.name === undefined ? "The snapshot" : JSON.stringify(source.name);
}
