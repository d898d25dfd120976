import { decodeRecord, encodeRecord, type Origin, SnapshotRecord } from "../../snapshot/index.js";

/**
 * A record at rest: length of what follows, kind, flags, length of the key (uint32 each), then the ordinals of the key's negative zeros (a count and
 * each, uint32), the key, the value. What neighbours have in common (database, store, origin, source) is their kind, and stands elsewhere once.
 */
export const entryHead = 16;
const flagBits = { deleted: 1, negativeZeros: 2 } as const;
const pageBytes = 1 << 20;
const none = new Uint8Array(0);

interface Page {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/**
 * Copies of many records in few buffers: no object a record that the garbage collector would have to look after. A record is found by the number
 * that `add` gave.
 */
export class RecordArena {
  private pages: Page[] = [];
  private page = -1;
  private filled = pageBytes;
  private kinds = new KindTable();

  /** Copies the record; under the name of another database when one is given. */
  add(record: SnapshotRecord, database = record.database): number {
    const { keyBytes, valueBytes, negativeZeros } = record;
    const zeros = negativeZeros ? 4 + 4 * negativeZeros.length : 0;
    const length = entryHead + zeros + keyBytes.length + (valueBytes?.length ?? 0);
    const { bytes, view } = this.room(length);
    const start = this.filled;
    view.setUint32(start, length - 4, true);
    view.setUint32(start + 4, this.kinds.numberOf(record, database), true);
    view.setUint32(
      start + 8,
      (record.deleted ? flagBits.deleted : 0) | (negativeZeros ? flagBits.negativeZeros : 0),
      true,
    );
    view.setUint32(start + 12, keyBytes.length, true);
    let at = start + entryHead;
    if (negativeZeros) {
      view.setUint32(at, negativeZeros.length, true);
      for (const ordinal of negativeZeros) view.setUint32((at += 4), ordinal, true);
      at += 4;
    }
    bytes.set(keyBytes, at);
    if (valueBytes) bytes.set(valueBytes, at + keyBytes.length);
    this.filled = start + length;
    return this.page * pageBytes + start;
  }

  /** The record's bytes, a view. */
  entry(number: number): Uint8Array {
    const { bytes, view } = this.pages[Math.floor(number / pageBytes)]!;
    const start = number % pageBytes;
    return bytes.subarray(start, start + 4 + view.getUint32(start, true));
  }

  /** Length of the record's bytes. */
  lengthOf(number: number): number {
    return 4 + this.pages[Math.floor(number / pageBytes)]!.view.getUint32(number % pageBytes, true);
  }

  /** The record's key, a view. */
  key(number: number): Uint8Array {
    const { bytes, view } = this.pages[Math.floor(number / pageBytes)]!;
    const start = number % pageBytes;
    const at = start + entryHead + zerosLength(view, start);
    return bytes.subarray(at, at + view.getUint32(start + 12, true));
  }

  kindNumber(number: number): number {
    return this.pages[Math.floor(number / pageBytes)]!.view.getUint32((number % pageBytes) + 4, true);
  }

  storeOf(number: number): string {
    return this.kinds.record(this.kindNumber(number)).store;
  }

  /** The kind's own bytes, for `decodeKind`. */
  kindBytes(kind: number): Uint8Array {
    return this.kinds.bytes(kind);
  }

  /** Forgets all records; the buffers are used again. */
  reset(): void {
    // Those of records that are larger than a page fit nothing else.
    this.pages = this.pages.filter(({ bytes }) => bytes.length === pageBytes);
    this.page = -1;
    this.filled = pageBytes;
    this.kinds = new KindTable();
  }

  private room(length: number): Page {
    if (this.page >= 0 && this.filled + length <= this.pages[this.page]!.bytes.length)
      return this.pages[this.page]!;
    const next = this.pages[++this.page];
    this.filled = 0;
    if (next && next.bytes.length >= length) return next;
    const bytes = new Uint8Array(Math.max(pageBytes, length));
    const page = { bytes, view: new DataView(bytes.buffer) };
    this.pages.splice(this.page, 0, page);
    return page;
  }
}

function zerosLength(view: DataView, start: number): number {
  return (view.getUint32(start + 8, true) & flagBits.negativeZeros) === 0
    ? 0
    : 4 + 4 * view.getUint32(start + entryHead, true);
}

/** The record of an entry that starts at `start`; its key and value are views. */
export function decodeEntry(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  kind: SnapshotRecord,
): SnapshotRecord {
  const flags = view.getUint32(start + 8, true);
  const deleted = (flags & flagBits.deleted) !== 0;
  const end = start + 4 + view.getUint32(start, true);
  let at = start + entryHead;
  let negativeZeros: number[] | undefined;
  if ((flags & flagBits.negativeZeros) !== 0) {
    const count = view.getUint32(at, true);
    negativeZeros = [];
    for (let i = 1; i <= count; i++) negativeZeros.push(view.getUint32(at + 4 * i, true));
    at += 4 + 4 * count;
  }
  const keyEnd = at + view.getUint32(start + 12, true);
  return SnapshotRecord.fromBytes({
    database: kind.database,
    store: kind.store,
    origin: kind.origin,
    source: kind.source,
    deleted,
    keyBytes: bytes.subarray(at, keyEnd),
    valueBytes: deleted ? undefined : bytes.subarray(keyEnd, end),
    negativeZeros,
  });
}

/** What a kind's bytes say, as a record without key and value. */
export function decodeKind(bytes: Uint8Array): SnapshotRecord {
  return decodeRecord(bytes);
}

interface Kind {
  readonly record: SnapshotRecord;
  readonly bytes: Uint8Array;
}

/** Numbers what records have in common, by content. */
class KindTable {
  private readonly kinds: Kind[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly origins = new WeakMap<Origin, string>();
  private lastNumber = -1;
  private last: Pick<SnapshotRecord, "database" | "store" | "origin" | "source"> | undefined;

  record(number: number): SnapshotRecord {
    return this.kinds[number]!.record;
  }

  bytes(number: number): Uint8Array {
    return this.kinds[number]!.bytes;
  }

  numberOf({ store, origin, source }: SnapshotRecord, database: string): number {
    const { last } = this;
    if (
      last?.origin === origin &&
      last.store === store &&
      last.source === source &&
      last.database === database
    )
      return this.lastNumber;
    this.last = { database, store, origin, source };
    const name = JSON.stringify([database, store, source, this.originName(origin)]);
    let number = this.numbers.get(name);
    if (number === undefined) {
      const record = SnapshotRecord.fromBytes({
        database,
        store,
        origin,
        source,
        deleted: true,
        keyBytes: none,
      });
      number = this.kinds.push({ record, bytes: encodeRecord(record) }) - 1;
      this.numbers.set(name, number);
    }
    return (this.lastNumber = number);
  }

  private originName(origin: Origin): string {
    let name = this.origins.get(origin);
    if (name === undefined) {
      name = JSON.stringify([origin.device, origin.snapshot, origin.capturedAt, origin.sequence]);
      this.origins.set(origin, name);
    }
    return name;
  }
}
