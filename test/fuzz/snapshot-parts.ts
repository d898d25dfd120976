import { deflateRawSync } from "node:zlib";
import { crc32, sha256 } from "../../snapshot/index.js";
import { decodeFrameHead, encodeFrameHead, frameKinds } from "../../snapshot/frame.js";
import { footerMessage, type FooterMessage, type FrameHeader } from "../../snapshot/message-codec.js";
import { nodePlatform } from "../../io/node-platform.js";
import { joined, varint } from "./mutate-bytes.js";

/** A frame with its payload inflated. */
export interface Frame {
  kind: number;
  header: FrameHeader;
  payload: Uint8Array;
  /** What the checksum of the payload misses, as when it was damaged; 0 in a whole file. */
  crcError: number;
}

/** A snapshot file taken apart, so that it can be changed behind its checksums. */
export interface SnapshotParts {
  sync: Uint8Array;
  frames: Frame[];
  footer: FooterMessage;
}

/** Takes an intact file apart. */
export function takeApart(bytes: Uint8Array): SnapshotParts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const footerOffset = view.getFloat64(bytes.length - 24, true);
  const footerFrame = bytes.subarray(footerOffset, bytes.length - 24);
  const head = decodeFrameHead(footerFrame, undefined, footerOffset, nodePlatform)!;
  const stored = footerFrame.subarray(head.length);
  const footer = footerMessage.decode(
    head.header.compression === 1 ? inflated(stored, head.header.raw_length) : stored,
  );
  const frames = footer.frames.map(({ kind, offset, header }) => {
    const start = offset + 16 + 5 + view.getUint32(offset + 17, true) + 4;
    const payload = bytes.slice(start, start + header.stored_length);
    return {
      kind,
      header,
      payload: header.compression === 1 ? inflated(payload, header.raw_length) : payload,
      crcError: 0,
    };
  });
  return { sync: bytes.slice(12, 28), frames, footer };
}

function inflated(bytes: Uint8Array, length: number): Uint8Array {
  // A Buffer would share its memory with its slices.
  return new Uint8Array(nodePlatform.inflateRaw(bytes, length) as Uint8Array);
}

/** A copy whose parts can be changed without changing the original; payloads are replaced, never written to. */
export function copyOf(parts: SnapshotParts): SnapshotParts {
  return {
    sync: parts.sync,
    frames: parts.frames.map((frame) => ({ ...frame, header: { ...frame.header } })),
    footer: { ...parts.footer },
  };
}

export interface Changes {
  /** The frame's header after its lengths and checksum were set right. */
  readonly header?: ((header: FrameHeader, frame: number) => void) | undefined;
  /** The footer after it was made to fit the frames. */
  readonly footer?: ((footer: FooterMessage) => void) | undefined;
  /** The footer's bytes. */
  readonly footerBytes?: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** The whole message in front of a frame. */
  readonly footerOffset?: ((offset: number) => number) | undefined;
}

/** Puts a file together with all lengths, offsets, checksums and the id made to fit, apart from the given changes. */
export function putTogether(parts: SnapshotParts, changes: Changes = {}): Uint8Array {
  const pieces: Uint8Array[] = [start];
  const entries: { kind: number; offset: number; header: FrameHeader }[] = [];
  const heads: Uint8Array[] = [];
  let offset = start.length;
  parts.frames.forEach((frame, number) => {
    const header: FrameHeader = { ...frame.header };
    const stored = header.compression === 1 ? deflateRawSync(frame.payload) : frame.payload;
    header.raw_length = frame.payload.length;
    header.stored_length = (stored as Uint8Array).length;
    header.crc = (crc32(stored as Uint8Array) ^ frame.crcError) >>> 0;
    changes.header?.(header, number);
    const head = encodeFrameHead(frame.kind, header, parts.sync, nodePlatform);
    entries.push({ kind: frame.kind, offset, header });
    heads.push(head.subarray(16));
    pieces.push(head, stored as Uint8Array);
    offset += head.length + (stored as Uint8Array).length;
  });
  const footer: FooterMessage = { ...parts.footer, frames: entries, id: sha256(joined(...heads)) };
  changes.footer?.(footer);
  const encoded = footerMessage.encode(footer);
  const payload = changes.footerBytes?.(encoded) ?? encoded;
  const header = {
    stored_length: payload.length,
    raw_length: payload.length,
    compression: 0,
    crc: crc32(payload),
  };
  changes.header?.(header, parts.frames.length);
  pieces.push(encodeFrameHead(frameKinds.footer, header, parts.sync, nodePlatform), payload);
  pieces.push(trailer(changes.footerOffset?.(offset) ?? offset));
  return joined(...pieces);
}

const start = Uint8Array.of(0x89, 0x49, 0x44, 0x42, 0x0d, 0x0a, 0x1a, 0x0a, 1, 0, 0, 0);

function trailer(footerOffset: number): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, footerOffset, true);
  view.setUint32(8, 1, true);
  view.setUint32(12, crc32(bytes.subarray(0, 12)), true);
  bytes.set([0x89, 0x49, 0x44, 0x42, 0x45, 0x4e, 0x44, 0x0a], 16);
  return bytes;
}

/** A record of a block, in the pieces that its bytes are made of. */
export interface RecordParts {
  meta: number;
  negativeZeros: number[];
  key: Uint8Array;
  value: Uint8Array;
}

/** The list of origins (its bytes with its count) and the records of a block. @throws RangeError when it was mutated already */
export function takeBlockApart(payload: Uint8Array): { origins: Uint8Array; records: RecordParts[] } {
  let at = 0;
  const number = (): number => {
    let result = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = payload[at++];
      if (byte === undefined || scale > 2 ** 49) throw new RangeError("The block has no number there.");
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
    }
  };
  const take = (length: number) => {
    if (length > payload.length - at) throw new RangeError("The block ends within its bytes.");
    return payload.slice(at, (at += length));
  };
  const takeNumbers = () => {
    const numbers: number[] = [];
    for (let n = number(); n > 0; n--) numbers.push(number());
    return numbers;
  };
  for (let n = number(); n > 0; n--) take(number());
  const origins = payload.slice(0, at);
  const records: RecordParts[] = [];
  while (at < payload.length) {
    const meta = number();
    const negativeZeros = meta & 2 ? takeNumbers() : [];
    const key = take(number());
    records.push({ meta, negativeZeros, key, value: meta & 1 ? new Uint8Array(0) : take(number()) });
  }
  return { origins, records };
}

export function putBlockTogether(origins: Uint8Array, records: readonly RecordParts[]): Uint8Array {
  return joined(
    origins,
    ...records.flatMap(({ meta, negativeZeros, key, value }) => [
      varint(meta),
      ...(meta & 2 ? [varint(negativeZeros.length), ...negativeZeros.map(varint)] : []),
      varint(key.length),
      key,
      ...(meta & 1 ? [] : [varint(value.length), value]),
    ]),
  );
}
