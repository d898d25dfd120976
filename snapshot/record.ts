import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";
import { decodeValue } from "./decode-value.js";
import { encodeValue } from "./encode-value.js";
import { SnapshotError } from "./error.js";
import { decodeKey } from "./decode-key.js";
import { describeKey } from "./describe-key.js";
import { encodeKey, type Key, negativeZerosOf } from "./key.js";
import { decodeOrigin, encodeOrigin, type Origin, unknownOrigin } from "./origin.js";
import { decodeText, encodeText } from "./text.js";

/** A record in encoded form: what a block holds and what the writer takes. */
export interface RecordFrame {
  readonly store: string;
  readonly keyBytes: Uint8Array;
  /** Absent for a tombstone. */
  readonly valueBytes?: Uint8Array | undefined;
  readonly deleted?: boolean | undefined;
  /** Default: the snapshot's own. */
  readonly origin?: Origin | undefined;
  readonly negativeZeros?: readonly number[] | undefined;
}

interface RecordBytes extends RecordFrame {
  readonly database: string;
  readonly source?: string | undefined;
}

interface RecordParts<V, K> {
  readonly database?: string | undefined;
  readonly store: string;
  readonly key: K;
  readonly value?: V | undefined;
  readonly deleted?: boolean | undefined;
  readonly origin?: Origin | undefined;
  readonly source?: string | undefined;
}

/**
 * One record of an object store: the element of every pipeline here. `key` and `value` are decoded when they are first read; `keyBytes`
 * and `valueBytes` are what they came as, so a record that is only moved, filtered by store or merged by key is never decoded. Don't
 * change a decoded value in place: use `withValue`.
 *
 * @example
 * const note = SnapshotRecord.of({ store: "notes", key: 1, value: { title: "Milk" } });
 * note.withValue({ ...note.value, title: "Bread" });
 */
export class SnapshotRecord<V = unknown, K = Key> {
  readonly database: string;
  readonly store: string;
  /** A tombstone: the key was deleted; there is no value. */
  readonly deleted: boolean;
  readonly origin: Origin;
  readonly keyBytes: Uint8Array;
  readonly valueBytes: Uint8Array | undefined;
  /** The ordinals of the key's numbers that are -0. */
  readonly negativeZeros: readonly number[] | undefined;
  /** The file that holds the content of the value's Blobs; not part of the record's identity. */
  readonly source: string | undefined;
  #key: K | undefined;
  #value: V | undefined;
  #hasKey = false;
  #hasValue = false;

  private constructor(bytes: RecordBytes) {
    this.database = bytes.database;
    this.store = bytes.store;
    this.deleted = bytes.deleted ?? false;
    this.origin = bytes.origin ?? unknownOrigin;
    this.keyBytes = bytes.keyBytes;
    this.valueBytes = bytes.valueBytes;
    this.negativeZeros = bytes.negativeZeros;
    this.source = bytes.source;
    if (this.deleted !== (this.valueBytes === undefined)) {
      throw new TypeError("A record has a value exactly when it is not deleted.");
    }
  }

  /**
   * A record of a key and a value.
   * @throws SnapshotError SNAPSHOT_KEY_INVALID, SNAPSHOT_VALUE_UNSUPPORTED
   */
  static of<V, K>(parts: RecordParts<V, K>): SnapshotRecord<V, K> {
    const deleted = parts.deleted ?? false;
    const record = new SnapshotRecord<V, K>({
      database: parts.database ?? "",
      store: parts.store,
      keyBytes: encodeKey(parts.key),
      valueBytes: deleted ? undefined : encodeValue(parts.value),
      deleted,
      origin: parts.origin,
      negativeZeros: negativeZerosOf(parts.key),
      source: parts.source,
    });
    return record;
  }

  /** A record of encoded key and value; nothing is decoded or copied. */
  static fromBytes<V = unknown, K = Key>(bytes: RecordBytes): SnapshotRecord<V, K> {
    return new SnapshotRecord<V, K>(bytes);
  }

  /** @throws SnapshotError SNAPSHOT_KEY_INVALID when the bytes are damaged. */
  get key(): K {
    if (!this.#hasKey) {
      this.#key = decodeKey(this.keyBytes, this.negativeZeros) as K;
      this.#hasKey = true;
    }
    return this.#key as K;
  }

  /** Undefined for a tombstone. @throws SnapshotError SNAPSHOT_MALFORMED, with the record's place, when the bytes are damaged. */
  get value(): V {
    if (!this.#hasValue) {
      this.#value = (this.valueBytes === undefined ? undefined : this.decode(this.valueBytes)) as V;
      this.#hasValue = true;
    }
    return this.#value as V;
  }

  private decode(valueBytes: Uint8Array): unknown {
    try {
      return decodeValue(valueBytes, { source: this.source });
    } catch (cause) {
      if (!(cause instanceof SnapshotError)) throw cause;
      throw new SnapshotError(cause.code, `${cause.message} It is the value of ${this.describe()}.`, {
        file: this.source,
        store: this.store,
        key: this.describeKey(),
        offset: cause.offset,
        cause,
      });
    }
  }

  /** The same record with another value. */
  withValue<W>(value: W): SnapshotRecord<W, K> {
    return new SnapshotRecord<W, K>({ ...this.parts(), valueBytes: encodeValue(value), deleted: false });
  }

  /** The same record under another key; an in-line key in the value is not touched. */
  withKey<L>(key: L): SnapshotRecord<V, L> {
    return new SnapshotRecord<V, L>({
      ...this.parts(),
      keyBytes: encodeKey(key),
      negativeZeros: negativeZerosOf(key),
    });
  }

  /** The same record in another object store or database, or with another origin. */
  with(change: {
    readonly database?: string;
    readonly store?: string;
    readonly origin?: Origin;
  }): SnapshotRecord<V, K> {
    return new SnapshotRecord<V, K>({ ...this.parts(), ...change });
  }

  /** The deletion of this record. */
  toTombstone(origin: Origin = this.origin): SnapshotRecord<undefined, K> {
    return new SnapshotRecord<undefined, K>({
      ...this.parts(),
      valueBytes: undefined,
      deleted: true,
      origin,
    });
  }

  /** The key as text, for messages; also when its bytes are damaged. */
  describeKey(): string {
    try {
      return describeKey(this.key);
    } catch {
      return "(damaged)";
    }
  }

  /** Key and store as text, for messages: never the value. */
  describe(): string {
    return `key ${this.describeKey()} in object store ${JSON.stringify(this.store)}`;
  }

  private parts(): RecordBytes {
    const { database, store, deleted, origin, keyBytes, valueBytes, negativeZeros, source } = this;
    return { database, store, deleted, origin, keyBytes, valueBytes, negativeZeros, source };
  }
}

const bits = { deleted: 1, negativeZeros: 2, source: 4 } as const;

/** The record as one self-contained byte string: its form between the stages of a pipeline. Key and value are copied, not decoded. */
export function encodeRecord(record: SnapshotRecord<unknown, unknown>): Uint8Array {
  const writer = new ByteWriter(record.keyBytes.length + (record.valueBytes?.length ?? 0) + 192);
  const { negativeZeros, source, valueBytes } = record;
  writer.byte(
    (record.deleted ? bits.deleted : 0) |
      (negativeZeros ? bits.negativeZeros : 0) |
      (source === undefined ? 0 : bits.source),
  );
  for (const part of [
    textBytes(record.database),
    textBytes(record.store),
    originBytes(record.origin),
    record.keyBytes,
  ]) {
    writer.varint(part.length);
    writer.bytes(part);
  }
  if (negativeZeros) {
    writer.varint(negativeZeros.length);
    for (const ordinal of negativeZeros) writer.varint(ordinal);
  }
  if (source !== undefined) {
    const bytes = textBytes(source);
    writer.varint(bytes.length);
    writer.bytes(bytes);
  }
  if (valueBytes) writer.bytes(valueBytes);
  return writer.finish();
}

/** The record that `encodeRecord` wrote. Its key and value are views of `bytes`. */
export function decodeRecord(bytes: Uint8Array): SnapshotRecord {
  const reader = new ByteReader(bytes);
  const flag = reader.byte();
  if (flag > 7) throw reader.malformed("a record of an unknown form");
  const database = readText(reader);
  const store = readText(reader);
  const origin = readOrigin(reader.take(reader.count()));
  const keyBytes = reader.take(reader.count());
  const negativeZeros =
    flag & bits.negativeZeros ? Array.from({ length: reader.count() }, () => reader.varint()) : undefined;
  const source = flag & bits.source ? readText(reader) : undefined;
  const deleted = (flag & bits.deleted) !== 0;
  if (deleted && reader.left > 0) throw reader.malformed("a tombstone with a value");
  return SnapshotRecord.fromBytes({
    database,
    store,
    origin,
    keyBytes,
    negativeZeros,
    source,
    deleted,
    valueBytes: deleted ? undefined : reader.take(reader.left),
  });
}

function readText(reader: ByteReader): string {
  const text = decodeCachedText(reader.take(reader.count()));
  if (text === undefined) throw reader.malformed("a name that is no valid text");
  return text;
}

// Names and origins repeat from record to record: the last few are kept on both sides.
const encodedTexts = new Map<string, Uint8Array>();
const encodedOrigins = new WeakMap<Origin, Uint8Array>();
const maxCached = 256;

function textBytes(text: string): Uint8Array {
  let bytes = encodedTexts.get(text);
  if (!bytes) {
    bytes = encodeText(text);
    if (encodedTexts.size >= maxCached) encodedTexts.clear();
    encodedTexts.set(text, bytes);
  }
  return bytes;
}

function originBytes(origin: Origin): Uint8Array {
  let bytes = encodedOrigins.get(origin);
  if (!bytes) encodedOrigins.set(origin, (bytes = encodeOrigin(origin)));
  return bytes;
}

interface Cached<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

const decodedTexts: Cached<string | undefined>[] = [];
const decodedOrigins: Cached<Origin>[] = [];

const decodeCachedText = (bytes: Uint8Array) => remembered(decodedTexts, bytes, decodeText);
const readOrigin = (bytes: Uint8Array) => remembered(decodedOrigins, bytes, decodeOrigin);

function remembered<T>(cache: Cached<T>[], bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  for (const entry of cache) if (equalBytes(entry.bytes, bytes)) return entry.value;
  const value = decode(bytes);
  if (cache.length >= 16) cache.shift();
  cache.push({ bytes: bytes.slice(), value });
  return value;
}

/** Same length and same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
