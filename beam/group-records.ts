/** Grouping of records by what identifies them, without decoding any. */
import "./node-compatibility.js";
import { type KV, parDo, type PCollection, type PTransform, withName } from "apache-beam";
import { BytesCoder, KVCoder } from "apache-beam/coders/required_coders";
import { groupByKey } from "apache-beam/transforms/internal";
import { decodeValue, encodeValue, type SnapshotRecord } from "../snapshot/index.js";
import { registerFunctions } from "./registered.js";
import { setCoder } from "./set-coder.js";
import { ValueCoder } from "./value-coder.js";

/** What the records of a group have in common. */
export interface RecordGroupKey {
  /** Present when grouped by database, too. */
  readonly database?: string;
  readonly store: string;
  /** The encoded key: `decodeKey` gives the key itself. */
  readonly keyBytes: Uint8Array;
}

/** The records of one object store and key. */
export interface RecordGroup<R = SnapshotRecord> {
  readonly key: RecordGroupKey;
  /** In no particular order. */
  readonly records: readonly R[];
}

/** What besides object store and key tells groups apart. */
export interface GroupRecordsOptions {
  /** Keep databases of different names apart. Default false: records of the same store and key are one group wherever they come from. */
  readonly byDatabase?: boolean | undefined;
}

/**
 * Groups records by object store and key, the identity of a record in a database. Keys and values are not decoded; the records of one
 * group are held in memory together.
 * @example records.apply(groupRecordsByKey()).map(({ records }) => newest(records));
 */
export function groupRecordsByKey<R = SnapshotRecord>(
  options: GroupRecordsOptions = {},
): PTransform<PCollection<R>, PCollection<RecordGroup<R>>> {
  const byDatabase = options.byDatabase ?? false;
  return withName("groupRecordsByKey", (records: PCollection<R>): PCollection<RecordGroup<R>> => {
    const keyed = (records as PCollection<unknown> as PCollection<SnapshotRecord>).apply(
      withName("key", parDo(new KeyRecords(byDatabase))),
    );
    return setCoder(keyed, new KVCoder(new BytesCoder(), new ValueCoder()))
      .apply(groupByKey<Uint8Array, SnapshotRecord>())
      .apply(withName("group", parDo(new NameGroup(byDatabase)))) as PCollection<unknown> as PCollection<
      RecordGroup<R>
    >;
  });
}

export class KeyRecords {
  readonly byDatabase: boolean;
  /** The part of the group key before the record's key, for the last record's place: records come store by store. */
  private prefix:
    { readonly database: string; readonly store: string; readonly bytes: Uint8Array } | undefined;

  constructor(byDatabase: boolean) {
    this.byDatabase = byDatabase;
  }

  *process(record: SnapshotRecord): Generator<KV<Uint8Array, SnapshotRecord>> {
    const { bytes } = this.prefixOf(record);
    const { keyBytes } = record;
    const key = new Uint8Array(bytes.length + keyBytes.length);
    key.set(bytes);
    key.set(keyBytes, bytes.length);
    yield { key, value: record };
  }

  private prefixOf({ database, store }: SnapshotRecord): { readonly bytes: Uint8Array } {
    const last = this.prefix;
    if (last?.store === store && (!this.byDatabase || last.database === database)) return last;
    // Names may hold any UTF-16 text, lone surrogates among it, so they are written by the value codec.
    const names = encodeValue(this.byDatabase ? [store, database] : [store]);
    const bytes = new Uint8Array(prefixLength + names.length);
    new DataView(bytes.buffer).setUint32(0, names.length);
    bytes.set(names, prefixLength);
    this.prefix = { database, store, bytes };
    return this.prefix;
  }
}

export class NameGroup {
  readonly byDatabase: boolean;

  constructor(byDatabase: boolean) {
    this.byDatabase = byDatabase;
  }

  *process({ key, value }: KV<Uint8Array, Iterable<SnapshotRecord>>): Generator<RecordGroup> {
    const end = prefixLength + new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0);
    const [store, database] = decodeValue(key.subarray(prefixLength, end)) as [string, string?];
    // Runners may hand out views of a whole message; the key is kept longer than that.
    const keyBytes = new Uint8Array(key.subarray(end));
    yield { key: { ...(database === undefined ? {} : { database }), store, keyBytes }, records: [...value] };
  }
}

const prefixLength = 4;

registerFunctions("beam-indexeddb/beam", { KeyRecords, NameGroup });
