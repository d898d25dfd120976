import type { ByteSource } from "./byte-source.js";
import { SnapshotError, type SnapshotErrorCode } from "./error.js";
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
import { malformed } from "./malformed.js";
import { type Decoded, footerMessage, type FrameEntryMessage } from "./message-codec.js";
import type { Platform } from "./platform.js";
import { toHex } from "./hex.js";
import { decodeText } from "./text.js";
import type { UnportableCount } from "./summary.js";

/** The first read from the end of a file: most footers fit, so opening takes one read; larger ones take two. */
const tailBytes = 64 << 10;

export interface Footer {
  readonly header: SnapshotHeader;
  readonly frames: readonly Decoded<FrameEntryMessage>[];
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
    throw fileError("SNAPSHOT_EMPTY", source, "is empty: nothing was ever written to it. Export again.");
  const tailStart = Math.max(0, byteLength - tailBytes);
  const tail = await source.slice(tailStart, byteLength);
  const offset =
    tail.length >= trailerBytes + startBytes
      ? readTrailer(tail.subarray(tail.length - trailerBytes), source, platform)
      : undefined;
  if (offset === undefined) return refuse(source);
  if (offset < startBytes || offset > byteLength - trailerBytes)
    throw fault("points outside of the file", source);
  const frame =
    offset >= tailStart
      ? tail.subarray(offset - tailStart, tail.length - trailerBytes)
      : await source.slice(offset, byteLength - trailerBytes);
  const head = decodeFrameHead(frame, undefined, offset, platform);
  if (head?.kind !== frameKinds.footer || head.length + head.header.stored_length !== frame.length) {
    throw fault("does not point to a footer", source);
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
    throw fileError("SNAPSHOT_CHECKSUM_MISMATCH", source, "was altered in its last bytes. Get it again.");
  }
  checkVersion(view.getUint32(8, true), source);
  return view.getFloat64(0, true);
}

function checkVersion(version: number, source: ByteSource): void {
  if (version === formatVersion) return;
  throw fileError(
    "SNAPSHOT_VERSION_UNSUPPORTED",
    source,
    `has format version ${version}, this library reads ${formatVersion}. Update beam-indexeddb.`,
  );
}

/** Why a file has no trailer: it is no snapshot at all, one of another version, or one that ends too early. */
async function refuse(source: ByteSource): Promise<never> {
  const start = await source.slice(0, Math.min(startBytes, source.byteLength));
  const known = Math.min(start.length, startMagic.length);
  if (!startsWith(start, startMagic.subarray(0, known))) {
    throw fileError(
      "SNAPSHOT_BAD_MAGIC",
      source,
      "is no IndexedDB snapshot (.idbsnap). Choose another file.",
      0,
    );
  }
  if (start.length === startBytes)
    checkVersion(new DataView(start.buffer, start.byteOffset, startBytes).getUint32(8, true), source);
  throw fileError(
    "SNAPSHOT_TRUNCATED",
    source,
    `ends too early, after ${source.byteLength} bytes: the export or a copy was not finished. Get it again, or read what is intact with recoverSnapshot (beam-indexeddb recover).`,
    source.byteLength,
  );
}

function parseFooter(payload: Uint8Array, head: FrameHead, offset: number, source: ByteSource): Footer {
  const message = footerMessage.decode(payload);
  const { frames } = message;
  if (!message.header || message.id.length !== 32) throw fault("has no header or id", source);
  const header = headerFromMessage(message.header);
  checkFrames(frames, header.database.objectStores.length, offset, source);
  return {
    header,
    frames,
    id: toHex(message.id),
    sync: head.sync,
    offset,
    unportable: message.unportable.map((entry) => ({
      store: decodeText(entry.store) ?? "",
      type: decodeText(entry.type) ?? "",
      count: entry.count,
      policy: decodeText(entry.policy) === "skip" ? "skip" : "placeholder",
    })),
  };
}

/** Frames lie one after the other between start and footer; each entry's lengths must leave room for the next. */
function checkFrames(
  frames: readonly Decoded<FrameEntryMessage>[],
  stores: number,
  end: number,
  source: ByteSource,
): void {
  if (frames[0]?.kind !== frameKinds.header || frames[0].offset !== startBytes)
    throw fault("does not list the header first", source);
  let at = startBytes;
  for (const { kind, offset, header } of frames) {
    // protobuf can leave any field out, whatever the writer is bound to.
    if (
      (header as typeof header | null) === null ||
      offset < at ||
      !(header.stored_length >= 0) ||
      !(header.raw_length >= 0)
    )
      throw fault("lists frames that overlap", source);
    if (kind === frameKinds.records && header.store >= stores)
      throw fault("lists a block of an unknown object store", source);
    at = offset + header.stored_length;
  }
  if (!(at <= end)) throw fault("lists frames beyond the file", source);
}

function fault(what: string, source: ByteSource): SnapshotError {
  return malformed(`The footer of ${named(source)} ${what}`, { file: source.name });
}

/** An error of the file as a whole: `what` goes on from its name. */
export function fileError(
  code: SnapshotErrorCode,
  source: ByteSource,
  what: string,
  offset?: number,
): SnapshotError {
  return new SnapshotError(code, `${named(source)} ${what}`, { file: source.name, offset });
}

export function named(source: ByteSource): string {
  return source.name === undefined ? "The snapshot" : JSON.stringify(source.name);
}
