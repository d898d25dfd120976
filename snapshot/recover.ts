import type { Attachment } from "./attachment.js";
import type { ByteSource } from "./byte-source.js";
import { SnapshotError, type SnapshotErrorCode } from "./error.js";
import { fileError, type Footer, readFooter } from "./footer.js";
import {
  decodeFrameHead,
  type FrameHead,
  frameKinds,
  maxFrameHeadBytes,
  openPayload,
  startBytes,
  startMagic,
  startsWith,
  syncBytes,
} from "./frame.js";
import { headerFromMessage, type SnapshotHeader } from "./header.js";
import { headerMessage } from "./message-codec.js";
import { type Origin, unknownOrigin } from "./origin.js";
import { type Platform, webPlatform } from "./platform.js";
import type { SnapshotRecord } from "./record.js";
import { decodeRecordBlock } from "./decode-record-block.js";
import { toHex } from "./hex.js";

/** A stretch of a damaged file that can't be read. */
export interface LostRange {
  /** First byte, and the byte after the last. */
  readonly from: number;
  readonly to: number;
  readonly code: SnapshotErrorCode;
  /** What was there, when the footer survived: the object store and how many records. */
  readonly store?: string | undefined;
  readonly records?: number | undefined;
}

/** What is left of a damaged file. */
export interface RecoveredSnapshot {
  /** True when nothing is lost: the file is whole. */
  readonly complete: boolean;
  readonly header: SnapshotHeader;
  /** False when the header was lost too: the schema is then a stand-in, with stores named "#0", "#1", ... by their numbers. */
  readonly headerIntact: boolean;
  readonly lost: readonly LostRange[];
  /** Records in intact blocks, and how many are known to be lost (undefined when the footer was lost, too). */
  readonly recordsIntact: number;
  readonly recordsLost: number | undefined;
  /** The records of all intact blocks, in file order. */
  records(): AsyncGenerator<SnapshotRecord, void, undefined>;
  /** A content all of whose parts are intact. */
  attachment(sha256: Uint8Array): Attachment | undefined;
}

interface IntactFrame {
  readonly offset: number;
  readonly head: FrameHead;
}

/**
 * Reads every intact block of a truncated or damaged file, footer or not, and says what is missing: each frame is found by the file's sync
 * marker and believed only when its checksums match.
 *
 * @throws SnapshotError SNAPSHOT_EMPTY, SNAPSHOT_BAD_MAGIC when the file is no snapshot or its first 28 bytes and its footer are lost,
 *   SNAPSHOT_VERSION_UNSUPPORTED
 * @example
 * const { lost, records } = await recoverSnapshot(source);
 * for await (const record of records()) await writer.add(record);
 */
export async function recoverSnapshot(
  source: ByteSource,
  options: {
    readonly platform?: Platform | undefined;
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
  } = {},
): Promise<RecoveredSnapshot> {
  const platform = options.platform ?? webPlatform;
  const footer = await tryFooter(source, platform);
  const sync = await findSync(source, footer);
  const end = footer?.offset ?? source.byteLength;
  const { intact, lost } = await scan(source, sync, end, platform, options.onProgress);
  const known = footer?.header ?? (await headerOf(source, intact, lost, platform));
  const header = known ?? standIn(intact);
  loseUnknownStores(intact, lost, header);
  if (!footer) lost.push({ from: source.byteLength, to: source.byteLength, code: "SNAPSHOT_TRUNCATED" });
  else if (!(await startIntact(source)))
    lost.unshift({ from: 0, to: startBytes, code: "SNAPSHOT_CHECKSUM_MISMATCH" });
  return { ...assemble(source, platform, intact, lost, footer, header), headerIntact: known !== undefined };
}

async function tryFooter(source: ByteSource, platform: Platform): Promise<Footer | undefined> {
  try {
    return await readFooter(source, platform);
  } catch (error) {
    const code = error instanceof SnapshotError ? error.code : undefined;
    // A file that never was one of ours, or is of a later version, has nothing to recover. Damage may have hit the magic itself.
    if (
      code === "SNAPSHOT_EMPTY" ||
      code === "SNAPSHOT_VERSION_UNSUPPORTED" ||
      code === "SNAPSHOT_BAD_MAGIC" ||
      code === undefined
    )
      throw error;
    return undefined;
  }
}

async function startIntact(source: ByteSource): Promise<boolean> {
  return startsWith(await source.slice(0, startBytes), startMagic);
}

async function findSync(source: ByteSource, footer: Footer | undefined): Promise<Uint8Array> {
  if (footer) return footer.sync;
  if (source.byteLength < startBytes + syncBytes) {
    throw fileError("SNAPSHOT_TRUNCATED", source, "ends within its first bytes: nothing can be recovered.");
  }
  return (await source.slice(startBytes, startBytes + syncBytes)).slice();
}

async function scan(
  source: ByteSource,
  sync: Uint8Array,
  end: number,
  platform: Platform,
  onProgress: ((done: number, total: number) => void) | undefined,
): Promise<{ intact: IntactFrame[]; lost: LostRange[] }> {
  const intact: IntactFrame[] = [];
  const lost: LostRange[] = [];
  let at = startBytes;
  while (at < end) {
    const head = await frameAt(source, sync, at, end, platform);
    if (head) {
      const next = at + head.length + head.header.stored_length;
      const code =
        head.kind === frameKinds.records ? await faultOf(source, { offset: at, head }, platform) : undefined;
      if (code) lost.push({ from: at, to: next, code });
      else if (head.kind !== frameKinds.footer) intact.push({ offset: at, head });
      at = next;
    } else {
      const next = await nextSync(source, sync, at + 1, end);
      lost.push({
        from: at,
        to: next,
        code: next === end ? "SNAPSHOT_TRUNCATED" : "SNAPSHOT_CHECKSUM_MISMATCH",
      });
      at = next;
    }
    onProgress?.(at, source.byteLength);
  }
  return { intact, lost };
}

/** The head of an intact frame at this place: header and payload both match their checksums and the payload opens. */
async function frameAt(
  source: ByteSource,
  sync: Uint8Array,
  at: number,
  end: number,
  platform: Platform,
): Promise<FrameHead | undefined> {
  try {
    const head = decodeFrameHead(
      await source.slice(at, Math.min(end, at + maxFrameHeadBytes)),
      sync,
      at,
      platform,
    );
    if (!head) return undefined;
    const from = at + head.length;
    const to = from + head.header.stored_length;
    if (to > end) return undefined;
    await openPayload(head.header, await source.slice(from, to), at, platform);
    return head;
  } catch (error) {
    if (error instanceof SnapshotError) return undefined;
    throw error;
  }
}

/** Why a block whose checksums match can't be read all the same, as when it was forged or written wrong; undefined when it can. */
async function faultOf(
  source: ByteSource,
  frame: IntactFrame,
  platform: Platform,
): Promise<SnapshotErrorCode | undefined> {
  try {
    const context = { database: "", store: "", origin: unknownOrigin };
    decodeRecordBlock(await payloadOf(source, frame, platform), frame.head.header.count ?? 0, context);
    return undefined;
  } catch (error) {
    if (error instanceof SnapshotError) return error.code;
    throw error;
  }
}

const windowBytes = 1 << 20;

async function nextSync(source: ByteSource, sync: Uint8Array, from: number, end: number): Promise<number> {
  const first = sync[0]!;
  for (let start = from; start < end; start += windowBytes) {
    // Windows overlap, so that a marker across two of them is seen.
    const window = await source.slice(start, Math.min(end, start + windowBytes + syncBytes - 1));
    for (
      let i = window.indexOf(first);
      i >= 0 && i + syncBytes <= window.length;
      i = window.indexOf(first, i + 1)
    ) {
      if (startsWith(window.subarray(i), sync)) return start + i;
    }
  }
  return end;
}

/** The header as its frame has it; a frame that holds none, whatever its checksum says, is lost. */
async function headerOf(
  source: ByteSource,
  intact: IntactFrame[],
  lost: LostRange[],
  platform: Platform,
): Promise<SnapshotHeader | undefined> {
  const frame = intact.find(({ head }) => head.kind === frameKinds.header);
  if (!frame) return undefined;
  try {
    return headerFromMessage(headerMessage.decode(await payloadOf(source, frame, platform)));
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    lose(frame, intact, lost, error.code);
    return undefined;
  }
}

function loseUnknownStores(intact: IntactFrame[], lost: LostRange[], header: SnapshotHeader): void {
  const stores = header.database.objectStores.length;
  const unknown = intact.filter(
    ({ head }) => head.kind === frameKinds.records && (head.header.store ?? 0) >= stores,
  );
  for (const frame of unknown) lose(frame, intact, lost, "SNAPSHOT_STORE_UNKNOWN");
}

/** Moves a frame from what is intact to what is lost, in file order. */
function lose(frame: IntactFrame, intact: IntactFrame[], lost: LostRange[], code: SnapshotErrorCode): void {
  const { offset, head } = frame;
  intact.splice(intact.indexOf(frame), 1);
  lost.push({ from: offset, to: offset + head.length + head.header.stored_length, code });
  lost.sort((a, b) => a.from - b.from);
}

async function payloadOf(
  source: ByteSource,
  { offset, head }: IntactFrame,
  platform: Platform,
): Promise<Uint8Array> {
  const from = offset + head.length;
  return openPayload(
    head.header,
    await source.slice(from, from + head.header.stored_length),
    offset,
    platform,
  );
}

function assemble(
  source: ByteSource,
  platform: Platform,
  intact: readonly IntactFrame[],
  lost: readonly LostRange[],
  footer: Footer | undefined,
  header: SnapshotHeader,
): Omit<RecoveredSnapshot, "headerIntact"> {
  const blocks = intact.filter(({ head }) => head.kind === frameKinds.records);
  const stores = header.database.objectStores;
  const { device, capturedAt, sequence } = header.origin;
  const origin: Origin = { device, snapshot: footer?.id ?? "", capturedAt, sequence: sequence ?? 0 };
  const parts = contentParts(intact);
  const recordsIntact = blocks.reduce((sum, { head }) => sum + (head.header.count ?? 0), 0);
  const expected = footer?.frames.reduce(
    (sum, { kind, header: frame }) => sum + (kind === frameKinds.records ? frame.count : 0),
    0,
  );
  return {
    complete: lost.length === 0,
    header,
    lost: footer ? lost.map((range) => describe(range, footer)) : lost,
    recordsIntact,
    recordsLost: expected === undefined ? undefined : expected - recordsIntact,
    async *records() {
      for (const block of blocks) {
        const store = stores[block.head.header.store ?? 0]!;
        const context = { database: header.database.name, store: store.name, origin, source: source.name };
        yield* decodeRecordBlock(
          await payloadOf(source, block, platform),
          block.head.header.count ?? 0,
          context,
        );
      }
    },
    attachment(sha256) {
      const frames = parts.get(toHex(sha256));
      return frames && attachmentOf(sha256, frames, (frame) => payloadOf(source, frame, platform));
    },
  };
}

/** When the header is lost, blocks still say which number their store has; no more of them than a schema can have. */
function standIn(intact: readonly IntactFrame[]): SnapshotHeader {
  const numbers = intact.flatMap(({ head }) =>
    head.kind === frameKinds.records ? [(head.header.store ?? 0) + 1] : [],
  );
  const count = numbers.reduce((most, number) => Math.max(most, number), 0);
  return {
    database: {
      name: "",
      version: 1,
      objectStores: Array.from({ length: Math.min(count, 10_000) }, (_, number) => ({
        name: `#${number}`,
        keyPath: null,
        autoIncrement: false,
        indexes: [],
      })),
    },
    origin: { device: "", capturedAt: 0 },
  };
}

function describe(range: LostRange, footer: Footer): LostRange {
  const within = footer.frames.filter(
    ({ offset, kind }) => kind === frameKinds.records && offset >= range.from && offset < range.to,
  );
  if (within.length === 0) return range;
  const stores = new Set(within.map(({ header }) => footer.header.database.objectStores[header.store]!.name));
  return {
    ...range,
    ...(stores.size === 1 ? { store: [...stores][0] } : {}),
    records: within.reduce((sum, { header }) => sum + header.count, 0),
  };
}

/** The parts of those contents that are whole, in order. */
function contentParts(intact: readonly IntactFrame[]): ReadonlyMap<string, readonly IntactFrame[]> {
  const all = new Map<string, IntactFrame[]>();
  for (const frame of intact) {
    const { sha256 } = frame.head.header;
    if (frame.head.kind !== frameKinds.attachment || !sha256) continue;
    const parts = all.get(toHex(sha256));
    if (parts) parts.push(frame);
    else all.set(toHex(sha256), [frame]);
  }
  for (const [hash, parts] of all) {
    let at = 0;
    for (const { head } of parts)
      at = head.header.offset === at || (at === 0 && !head.header.offset) ? at + head.header.raw_length : NaN;
    if (at !== (parts[0]!.head.header.size ?? 0)) all.delete(hash);
  }
  return all;
}

function attachmentOf(
  sha256: Uint8Array,
  parts: readonly IntactFrame[],
  read: (frame: IntactFrame) => Promise<Uint8Array>,
): Attachment {
  async function* stream(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const part of parts) yield await read(part);
  }
  return {
    sha256,
    size: parts[0]!.head.header.size ?? 0,
    stream,
    async slice(start, end) {
      const result = new Uint8Array(end - start);
      for (const part of parts) {
        const from = part.head.header.offset ?? 0;
        const to = from + part.head.header.raw_length;
        if (to <= start || from >= end) continue;
        const bytes = (await read(part)).subarray(Math.max(0, start - from), Math.min(to, end) - from);
        result.set(bytes, Math.max(0, from - start));
      }
      return result;
    },
  };
}
