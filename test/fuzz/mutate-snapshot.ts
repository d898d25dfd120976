import { frameKinds } from "../../snapshot/frame.js";
import type { FooterMessage, FrameHeader } from "../../snapshot/message-codec.js";
import { joined, mutateBytes } from "./mutate-bytes.js";
import type { Random } from "./random.js";
import {
  type Changes,
  copyOf,
  type Frame,
  putBlockTogether,
  putTogether,
  type SnapshotParts,
  takeBlockApart,
} from "./snapshot-parts.js";

const hostileNumbers = [
  0,
  1,
  2,
  3,
  4,
  255,
  65_536,
  2 ** 24,
  2 ** 28,
  2 ** 31 - 65_536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 40,
  2 ** 53 - 1,
  2 ** 53,
  1e308,
  -1,
  -0,
  0.5,
  NaN,
  Infinity,
  -Infinity,
] as const;
const numberFields = [
  "stored_length",
  "raw_length",
  "compression",
  "crc",
  "store",
  "count",
  "deleted",
  "cut_keys",
  "offset",
  "size",
] as const satisfies readonly (keyof FrameHeader)[];
const bytesFields = ["first_key", "last_key", "sha256"] as const satisfies readonly (keyof FrameHeader)[];
const doubles = new Set<string>(["stored_length", "raw_length", "offset", "size"]);

/**
 * A forged file: changed behind the checksums, which fit again, so that what lies behind them is tried. `other` lends parts.
 */
export function mutateSnapshot(parts: SnapshotParts, random: Random, other: SnapshotParts): Uint8Array {
  const forged = copyOf(parts);
  const changes: { -readonly [K in keyof Changes]: Changes[K] } = {};
  for (let n = random.once(2) ? 1 : 1 + random.below(3); n > 0; n--)
    random.pick(forgeries)(forged, changes, random, other);
  const bytes = putTogether(forged, changes);
  // A forger may damage what was forged, too.
  return random.once(16) ? mutateBytes(bytes, random) : bytes;
}

type Forgery = (
  parts: SnapshotParts,
  changes: { -readonly [K in keyof Changes]: Changes[K] },
  random: Random,
  other: SnapshotParts,
) => void;

const forgePayload: Forgery = ({ frames }, _changes, random, other) => {
  if (frames.length === 0) return;
  const frame = random.pick(frames);
  frame.payload = mutateBytes(frame.payload, random, random.pick(other.frames).payload);
};

/** Values and keys change and their lengths fit again: what the value's decoder gets is all that is wrong. */
const forgeRecords: Forgery = ({ frames }, _changes, random, other) => {
  const blocks = frames.filter(({ kind }) => kind === frameKinds.records);
  const lenders = other.frames.filter(({ kind }) => kind === frameKinds.records);
  if (blocks.length === 0) return;
  const block = random.pick(blocks);
  let apart: ReturnType<typeof takeBlockApart>;
  try {
    apart = takeBlockApart(block.payload);
  } catch {
    return;
  }
  const { origins, records } = apart;
  if (records.length === 0) return;
  const lent = lenders.length > 0 ? random.pick(lenders).payload : block.payload;
  for (let n = 1 + random.below(4); n > 0; n--) {
    const record = random.pick(records);
    if (random.once(6)) record.key = mutateBytes(record.key, random);
    else if (random.once(24)) record.meta = random.pick(hostileNumbers.slice(0, 14));
    else if (random.once(24)) record.negativeZeros = [random.below(4), random.pick([0, 1, 2 ** 31, 2 ** 50])];
    else if (record.value.length > 0)
      record.value = joined(
        record.value.subarray(0, 1),
        mutateBytes(record.value.subarray(1), random, random.once(4) ? lent : random.pick(records).value),
      );
  }
  block.payload = putBlockTogether(
    random.once(16) ? mutateBytes(origins, random) : origins,
    random.once(16) ? [...records].reverse() : records,
  );
};

const forgeHeader: Forgery = ({ frames }, changes, random) => {
  const number = random.below(frames.length + 1);
  const inner = changes.header;
  changes.header = (header, frame) => {
    inner?.(header, frame);
    if (frame === number) forgeFrameHeader(header, random);
  };
};

function forgeFrameHeader(header: FrameHeader, random: Random): void {
  if (random.once(5)) {
    const field = random.pick(bytesFields);
    header[field] = mutateBytes(header[field] ?? new Uint8Array(2), random);
    return;
  }
  const field = random.pick(numberFields);
  const number = random.once(3) ? (header[field] ?? 0) + random.pick([-1, 1]) : random.pick(hostileNumbers);
  // uint32 fields can hold nothing else.
  header[field] = doubles.has(field) ? number : number >>> 0;
}

const forgeEntries: Forgery = (_parts, changes, random) => {
  const inner = changes.footer;
  changes.footer = (footer) => {
    inner?.(footer);
    const frames = (footer.frames ?? []).map((entry) => ({ ...entry, header: { ...entry.header } }));
    footer.frames = frames;
    if (frames.length === 0) return;
    const entry = random.pick(frames);
    const place = frames.indexOf(entry);
    switch (random.below(6)) {
      case 0:
        frames.splice(place, 1);
        break;
      case 1:
        frames.splice(random.below(frames.length), 0, entry);
        break;
      case 2:
        entry.kind = random.below(6);
        break;
      case 3:
        entry.offset = random.once(2)
          ? entry.offset + random.pick([-16, -1, 1, 16])
          : random.pick(hostileNumbers);
        break;
      default:
        forgeFrameHeader(entry.header, random);
    }
  };
};

const forgeFooter: Forgery = (_parts, changes, random, other) => {
  const inner = changes.footer;
  changes.footer = (footer: FooterMessage) => {
    inner?.(footer);
    if (random.once(2)) footer.id = mutateBytes(footer.id ?? new Uint8Array(32), random);
    else if (other.footer.header) footer.header = other.footer.header;
  };
};

const forgeFooterBytes: Forgery = (_parts, changes, random) => {
  changes.footerBytes = (bytes) => mutateBytes(bytes, random);
};

const forgeTrailer: Forgery = (_parts, changes, random) => {
  changes.footerOffset = (offset) =>
    random.once(2) ? offset + random.pick([-12, -1, 1, 16]) : random.pick(hostileNumbers);
};

const moveFrames: Forgery = ({ frames }, _changes, random, other) => {
  if (frames.length === 0) return;
  const place = random.below(frames.length);
  const copy = (frame: Frame): Frame => ({ ...frame, header: { ...frame.header } });
  switch (random.below(5)) {
    case 0:
      frames.splice(place, 1);
      break;
    case 1:
      frames.splice(random.below(frames.length + 1), 0, copy(frames[place]!));
      break;
    case 2:
      frames.splice(place, 0, copy(random.pick(other.frames)));
      break;
    case 3:
      frames.reverse();
      break;
    default:
      frames[place]!.kind = random.below(7);
  }
};

const changeCompression: Forgery = ({ frames }, _changes, random) => {
  for (const frame of frames) frame.header.compression = random.below(2);
};

const damageChecksum: Forgery = ({ frames }, _changes, random) => {
  if (frames.length > 0) random.pick(frames).crcError = 1 << random.below(32);
};

const forgeries: readonly Forgery[] = [
  forgePayload,
  forgePayload,
  forgeRecords,
  forgeRecords,
  forgeRecords,
  forgeRecords,
  forgeRecords,
  forgeHeader,
  forgeEntries,
  forgeFooter,
  forgeFooterBytes,
  forgeTrailer,
  moveFrames,
  changeCompression,
  damageChecksum,
];
