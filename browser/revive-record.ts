import type { Key, ObjectStoreSchema, SnapshotBlob, SnapshotRecord } from "../snapshot/index.js";
import { recordError } from "../snapshot/record-error.js";
import { decodeValue } from "../snapshot/decode-value.js";
import { SnapshotError } from "../snapshot/error.js";
import type { FrameReader } from "../snapshot/frame-reader.js";
import { encodeKey } from "../snapshot/key.js";
import { toHex } from "../snapshot/hex.js";
import type { ImportOptions } from "./import-options.js";
import { importCryptoKey, reviveHostObject, unportableType } from "./host-objects.js";
import { hasKey } from "./key-path.js";
import { applyTransform } from "./record-stage.js";

/** A record ready to be stored: the platform's own objects, and what is needed to decide about conflicts and to check afterwards. */
export interface ImportRecord {
  readonly key: Key;
  readonly keyBytes: Uint8Array;
  readonly deleted: boolean;
  readonly value: unknown;
  /** Bytes of the value as it came; undefined when a transform changed it. */
  readonly valueBytes: Uint8Array | undefined;
  readonly capturedAt: number;
  /** Content that the value refers to, in the order of the value's Blobs. */
  readonly blobs: readonly SnapshotBlob[];
}

/** The record was left out, and why. */
export type LeftOut = "filtered" | "unportable";

export type ReviveOptions = Pick<ImportOptions, "filter" | "transform" | "onUnportable">;

/** Makes records of one file storable. Blobs of a hash are made once and shared as long as the reviver lives. */
export function createReviver(
  reader: FrameReader,
  options: ReviveOptions,
): (
  record: SnapshotRecord,
  store: ObjectStoreSchema,
) => Promise<ImportRecord | LeftOut> | ImportRecord | LeftOut {
  const contents = createBlobCache(reader);
  return (record, store) => {
    const { key, keyBytes, valueBytes } = record;
    const base = { key, keyBytes, deleted: record.deleted, capturedAt: record.origin.capturedAt };
    const found: Found = { again: false, blobs: [], cryptoKeys: [], unportable: undefined };
    const value = valueBytes && decodeValue(valueBytes, lookingHooks(found));
    if (!found.again && found.unportable === undefined && !options.filter && !options.transform) {
      if (valueBytes) checkInlineKey(store, record, value);
      return { ...base, value, valueBytes, blobs: found.blobs };
    }
    return revive(record, store, base, value, found, contents, options);
  };
}

/** What a first look at a value finds that takes time to make. */
interface Found {
  /** Something has to be waited for, so the value is decoded again with everything at hand. */
  again: boolean;
  readonly blobs: SnapshotBlob[];
  readonly cryptoKeys: unknown[];
  unportable: string | undefined;
}

function lookingHooks(found: Found): NonNullable<Parameters<typeof decodeValue>[1]> {
  return {
    blob: (blob) => {
      found.again = true;
      found.blobs.push(blob);
      return blob;
    },
    hostObject: (type, data) => {
      if (type !== "CryptoKey" && type !== "FileList") return makeHostObject(type, data, found);
      found.again = true;
      if (type === "CryptoKey") found.cryptoKeys.push(data);
      return undefined;
    },
  };
}

function makeHostObject(type: string, data: unknown, found: Found): unknown {
  if (type === unportableType) return { unportable: data };
  let object: object | undefined;
  try {
    object = reviveHostObject(type, data);
  } catch {
    // The constructor refused the data: as good as a type that is not there.
  }
  if (object) return object;
  found.unportable ??= type;
  return { unportable: { type, data } };
}

async function revive(
  record: SnapshotRecord,
  store: ObjectStoreSchema,
  base: Pick<ImportRecord, "key" | "keyBytes" | "deleted" | "capturedAt">,
  looked: unknown,
  found: Found,
  contents: BlobCache,
  options: ReviveOptions,
): Promise<ImportRecord | LeftOut> {
  let value = looked;
  if (record.valueBytes && found.again) {
    const blobs: Blob[] = [];
    for (const blob of found.blobs) blobs.push(await contents(blob));
    const cryptoKeys: CryptoKey[] = [];
    for (const data of found.cryptoKeys) cryptoKeys.push(await importCryptoKey(data));
    // The same value gives the same order of calls.
    const blob = blobs.values();
    const cryptoKey = cryptoKeys.values();
    found.unportable = undefined;
    value = decodeValue(record.valueBytes, {
      blob: () => blob.next().value,
      hostObject: (type, data) =>
        type === "CryptoKey" ? cryptoKey.next().value : makeHostObject(type, data, found),
    });
  }
  const seen = { store: store.name, key: base.key, value };
  if (options.filter && !(await options.filter(seen))) return "filtered";
  if (!record.deleted) checkInlineKey(store, record, value);
  if (found.unportable !== undefined) {
    const policy = options.onUnportable ?? "fail";
    if (policy === "skip") return "unportable";
    if (policy === "fail") throw unportableHere(found.unportable, store.name, base.key);
  }
  if (!options.transform || record.deleted)
    return { ...base, value, valueBytes: record.valueBytes, blobs: found.blobs };
  const changed = applyTransform(store, seen, await options.transform(seen));
  return {
    ...base,
    key: changed.key as Key,
    keyBytes: encodeKey(changed.key),
    value: changed.value,
    valueBytes: undefined,
    // A transform may have taken Blobs out or moved them: what is stored is no longer compared with the file's content.
    blobs: [],
  };
}

/** An in-line value is stored under the key that it holds itself. A file that says something else would end up in other places than it shows. */
function checkInlineKey({ name, keyPath }: ObjectStoreSchema, record: SnapshotRecord, value: unknown): void {
  if (keyPath === null || hasKey(value, keyPath, record.keyBytes)) return;
  throw recordError(
    "SNAPSHOT_MALFORMED",
    name,
    record.key,
    `holds another key at "${String(keyPath)}": the snapshot was not made of this object store. The record was not imported.`,
  );
}

function unportableHere(type: string, store: string, key: unknown): SnapshotError {
  return recordError(
    "SNAPSHOT_VALUE_UNSUPPORTED",
    store,
    key,
    `holds a ${type}, which cannot be made here. Import in a page that has it (worker: false), or set onUnportable to "placeholder" or "skip".`,
  );
}

type BlobCache = (blob: SnapshotBlob) => Promise<Blob>;

/** Content kept for records that share it; a bound by number, since Blobs are handles and not memory. */
const cachedBlobs = 64;

function createBlobCache(reader: FrameReader): BlobCache {
  const known = new Map<string, Blob>();
  return async (ref) => {
    const id = toHex(ref.sha256);
    let content = known.get(id);
    if (!content) {
      content = await readContent(reader, ref);
      if (known.size >= cachedBlobs) known.clear();
      known.set(id, content);
    }
    const { type, name, lastModified = 0 } = ref;
    return name === undefined
      ? new Blob([content], { type })
      : new File([content], name, { type, lastModified });
  };
}

/** Slices become Blobs one by one, so that the browser can move them out of memory before the next is read. */
async function readContent(reader: FrameReader, { sha256 }: SnapshotBlob): Promise<Blob> {
  const attachment = reader.attachment(sha256);
  if (!attachment) {
    throw new SnapshotError(
      "SNAPSHOT_ATTACHMENT_MISSING",
      `The file lacks the content ${toHex(sha256)} of a Blob. It was not written as a whole snapshot.`,
    );
  }
  const parts: Blob[] = [];
  for await (const slice of attachment.stream()) parts.push(new Blob([slice as Uint8Array<ArrayBuffer>]));
  return new Blob(parts);
}
