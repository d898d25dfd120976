import type { HostObject, Key, ObjectStoreSchema } from "../snapshot/index.js";
import { recordError } from "../snapshot/record-error.js";
import { encodeValue } from "../snapshot/encode-value.js";
import { SnapshotError } from "../snapshot/error.js";
import { describeKey } from "../snapshot/describe-key.js";
import { encodeKey, negativeZerosOf } from "../snapshot/key.js";
import { SnapshotBlob } from "../snapshot/snapshot-blob.js";
import { ByteReader } from "../snapshot/byte-reader.js";
import { ByteWriter } from "../snapshot/byte-writer.js";
import type { UnportablePolicy } from "./export-options.js";
import { type Unportable, describeHostObject, placeholder } from "./host-objects.js";
import { hasKey, platformValueAt } from "./key-path.js";
import type { StoreRecord, TransformedRecord } from "./record-selection.js";
import { releaseBuffers, worthRelease } from "./release-buffers.js";
import type { Staging } from "./staging.js";

/** What the encoder leaves for the time after the transaction, in the order of the records. */
export interface SetAside {
  /** Content to be read: as many as the record has attachments. */
  readonly blobs: Blob[];
  /** Whole values that hold keys to be exported: encoded again when their keys are known. */
  readonly values: unknown[];
}

export interface StageOptions {
  readonly filter?: ((record: StoreRecord) => boolean) | undefined;
  readonly transform?: ((record: StoreRecord) => TransformedRecord) | undefined;
  readonly onUnportable: UnportablePolicy;
  /** Called once per object that the policy replaced or for which it left the record out. */
  readonly onReplaced: (store: string, unportable: Unportable) => void;
}

/** One record as it waits in the staging: bytes, and what was set aside for it. */
export interface StagedRecord {
  readonly keyBytes: Uint8Array;
  readonly negativeZeros: readonly number[] | undefined;
  /** undefined when the value itself was set aside. */
  readonly valueBytes: Uint8Array | undefined;
}

const kinds = { value: 0, setAside: 1 } as const;
const noHash = new Uint8Array(32);

/** Encodes batches of records into chunks of a staging, synchronously. */
export class RecordStage {
  private readonly out = new ByteWriter(1 << 16);
  private readonly staging: Staging;
  private readonly aside: SetAside;
  private readonly options: StageOptions;
  // What the hook finds in the record at hand. One hook for all records: a closure for each would show in the transaction's time.
  private store = "";
  private key: unknown;
  private blobs: Blob[] = [];
  private replaced: Unportable[] = [];
  private pendingKeys = 0;

  constructor(staging: Staging, aside: SetAside, options: StageOptions) {
    this.staging = staging;
    this.aside = aside;
    this.options = options;
  }

  /** Takes a batch of one store. Returns the bytes it came to and the records that were kept. */
  add(
    schema: ObjectStoreSchema,
    keys: readonly IDBValidKey[],
    values: readonly unknown[],
  ): { readonly bytes: number; readonly records: number } {
    const { out, options } = this;
    out.reset();
    this.store = schema.name;
    let records = 0;
    for (let at = 0; at < keys.length; at++) {
      let key: unknown = keys[at];
      let value = values[at];
      if (options.filter || options.transform) {
        const record = { store: schema.name, key: key as Key, value };
        if (options.filter && !synchronous(options.filter(record), "filter")) continue;
        if (options.transform) {
          ({ key, value } = applyTransform(
            schema,
            record,
            synchronous(options.transform(record), "transform"),
          ));
        }
      }
      if (this.put(key, value)) records++;
    }
    const chunk = out.peek();
    if (records > 0) this.staging.append(chunk);
    return { bytes: chunk.length, records };
  }

  /** False when the policy left the record out. */
  private put(key: unknown, value: unknown): boolean {
    const { out, aside, options } = this;
    this.key = key;
    if (this.blobs.length > 0) this.blobs = [];
    if (this.replaced.length > 0) this.replaced = [];
    this.pendingKeys = 0;
    const keyBytes = encodeKey(key);
    const valueBytes = encodeInStore(this.store, key, value, this.hook);
    const isSetAside = this.hasPendingKeys();
    for (const unportable of this.replaced) options.onReplaced(this.store, unportable);
    if (this.replaced.length > 0 && options.onUnportable === "skip") return false;
    const zeros = negativeZerosOf(key);
    out.byte(isSetAside ? kinds.setAside : kinds.value);
    out.varint(keyBytes.length);
    out.bytes(keyBytes);
    out.varint(zeros?.length ?? 0);
    if (zeros) for (const zero of zeros) out.varint(zero);
    if (isSetAside) {
      aside.values.push(value);
      return true;
    }
    aside.blobs.push(...this.blobs);
    out.varint(valueBytes.length);
    out.bytes(valueBytes);
    // A filter or transform may have kept what it was shown.
    if (valueBytes.length >= worthRelease && !options.filter && !options.transform) releaseBuffers(value);
    return true;
  }

  private hasPendingKeys(): boolean {
    return this.pendingKeys > 0;
  }

  private readonly hook = (object: object): HostObject | SnapshotBlob | undefined => {
    if (object instanceof Blob) {
      this.blobs.push(object);
      return blobForm(object);
    }
    const form = describeHostObject(object);
    if (form && "pending" in form) {
      this.pendingKeys++;
      return placeholder({ type: "CryptoKey", reason: "" });
    }
    if (!form || !("unportable" in form)) return form;
    if (this.options.onUnportable === "fail") throw unportableError(form.unportable, this.store, this.key);
    this.replaced.push(form.unportable);
    return placeholder(form.unportable);
  };
}

/** The records of one chunk, as views of its bytes. */
export function* stagedRecords(chunk: Uint8Array): Iterable<StagedRecord> {
  const reader = new ByteReader(chunk);
  while (reader.left > 0) {
    const kind = reader.byte();
    const keyBytes = reader.take(reader.varint());
    const zeros = Array.from({ length: reader.varint() }, () => reader.varint());
    yield {
      keyBytes,
      negativeZeros: zeros.length > 0 ? zeros : undefined,
      valueBytes: kind === kinds.setAside ? undefined : reader.take(reader.varint()),
    };
  }
}

/** Without a hash it holds the place of one, which is only known after the transaction. */
export function blobForm(blob: Blob, sha256: Uint8Array = noHash): SnapshotBlob {
  const { size, type } = blob;
  return typeof File !== "undefined" && blob instanceof File
    ? new SnapshotBlob({ sha256, size, type, name: blob.name, lastModified: blob.lastModified })
    : new SnapshotBlob({ sha256, size, type });
}

/** encodeValue that says which record it was. */
export function encodeInStore(
  store: string,
  key: unknown,
  value: unknown,
  hostObject: (object: object) => HostObject | SnapshotBlob | undefined,
): Uint8Array {
  try {
    return encodeValue(value, { hostObject });
  } catch (error) {
    if (!(error instanceof SnapshotError) || error.store !== undefined) throw error;
    const text = describeKey(key);
    throw new SnapshotError(error.code, `${error.message} It is in the record ${text} of "${store}".`, {
      store,
      key: text,
      cause: error,
    });
  }
}

export function unportableError({ type, reason }: Unportable, store: string, key: unknown): SnapshotError {
  return recordError(
    "SNAPSHOT_VALUE_UNSUPPORTED",
    store,
    key,
    `holds a ${type}. ${reason} Set onUnportable to "placeholder" or "skip", or replace it with a transform.`,
  );
}

/**
 * Key and value of the record that a transform gave back. For in-line keys the two must agree: the value alone is stored, and a key that
 * says something else would put the record in another place than it claims.
 *
 * @throws SnapshotError SNAPSHOT_KEY_INVALID when they do not, or no key is left; TypeError when no record came back.
 */
export function applyTransform(
  { name, keyPath }: Pick<ObjectStoreSchema, "name" | "keyPath">,
  record: StoreRecord,
  result: TransformedRecord,
): { readonly key: unknown; readonly value: unknown } {
  if (typeof result !== "object" || (result as unknown) === null || !("value" in result)) {
    throw new TypeError(
      `transform must return { value } or { key, value }; use filter to leave a record out ("${name}").`,
    );
  }
  const { value } = result;
  if (keyPath === null) return { key: "key" in result ? result.key : record.key, value };
  const key = "key" in result ? result.key : platformValueAt(value, keyPath);
  if (key === undefined || !hasKey(value, keyPath, encodeKey(key))) {
    throw recordError(
      "SNAPSHOT_KEY_INVALID",
      name,
      record.key,
      `got from its transform a value whose key at "${String(keyPath)}" ${key === undefined ? "is missing" : `is not ${describeKey(key)}`}. Change key and value together, or leave out the key.`,
    );
  }
  return { key, value };
}

function synchronous<T>(result: T, option: string): T {
  if (typeof result === "object" && result !== null && "then" in result) {
    throw new TypeError(
      `exportDB: ${option} returned a promise, but a transaction does not wait. Make it synchronous.`,
    );
  }
  return result;
}
