import type { HostObject, SnapshotWriter } from "../snapshot/index.js";
import { decodeKey } from "../snapshot/decode-key.js";
import { setValueAttachmentHash, valueAttachments } from "../snapshot/value-attachments.js";
import { hashBlob, sliceBlob } from "./blob-content.js";
import { describeHostObject, exportCryptoKey, placeholder, unportableKey } from "./host-objects.js";
import {
  type SetAside,
  type StageOptions,
  type StagedRecord,
  blobForm,
  encodeInStore,
  stagedRecords,
  unportableError,
} from "./record-stage.js";
import type { Staging } from "./staging.js";

export interface StagedStore {
  readonly name: string;
  /** Chunks of the staging that are this store's. */
  chunks: number;
}

/**
 * The second phase of an export: staged records, with the content that was set aside, through the writer. Memory for one chunk, one slice
 * of a Blob and one block.
 */
export async function writeStaged(
  writer: SnapshotWriter,
  staging: Staging,
  stores: readonly StagedStore[],
  aside: SetAside,
  options: Pick<StageOptions, "onUnportable" | "onReplaced">,
  onWritten: (store: string, records: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const chunks = staging.chunks()[Symbol.asyncIterator]();
  const left = { blobs: aside.blobs.values(), values: aside.values.values() };
  for (const store of stores) {
    for (let at = 0; at < store.chunks; at++) {
      const next = await chunks.next();
      if (next.done === true) throw new Error("The staging holds fewer chunks than were appended.");
      let written = 0;
      for (const record of stagedRecords(next.value)) {
        signal.throwIfAborted();
        const finished = await finishValue(record, store.name, left, options);
        if (!finished) continue;
        for (const [hash, blob] of finished.content) {
          if (!writer.hasAttachment(hash)) await writer.addAttachment(hash, blob.size, sliceBlob(blob));
        }
        const waiting = writer.add({
          store: store.name,
          // The writer keeps keys beyond the life of the chunk; values it copies at once.
          keyBytes: record.keyBytes.slice(),
          valueBytes: finished.valueBytes,
          ...(record.negativeZeros && { negativeZeros: record.negativeZeros }),
        });
        if (waiting) await waiting;
        written++;
      }
      onWritten(store.name, written);
    }
  }
}

interface FinishedValue {
  readonly valueBytes: Uint8Array;
  readonly content: readonly (readonly [hash: Uint8Array, blob: Blob])[];
}

const nothing: FinishedValue["content"] = [];

/** undefined when the policy leaves the record out. Not async: nearly all records need nothing, and a promise each would cost more than they do. */
function finishValue(
  record: StagedRecord,
  store: string,
  left: { readonly blobs: Iterator<Blob>; readonly values: Iterator<unknown> },
  options: Pick<StageOptions, "onUnportable" | "onReplaced">,
): FinishedValue | Promise<FinishedValue | undefined> {
  const { valueBytes } = record;
  if (!valueBytes) return encodeSetAside(record, store, left.values.next().value, options);
  const count = valueAttachments(valueBytes).length;
  return count > 0 ? patchHashes(valueBytes, count, left.blobs) : { valueBytes, content: nothing };
}

async function patchHashes(
  valueBytes: Uint8Array,
  count: number,
  blobs: Iterator<Blob>,
): Promise<FinishedValue> {
  const content: [Uint8Array, Blob][] = [];
  for (let index = 0; index < count; index++) {
    const blob = blobs.next().value as Blob;
    const hash = await hashBlob(blob);
    setValueAttachmentHash(valueBytes, index, hash);
    content.push([hash, blob]);
  }
  return { valueBytes, content };
}

/** A value with CryptoKeys is encoded to find them and its Blobs, and once more when their material is there. */
async function encodeSetAside(
  record: StagedRecord,
  store: string,
  value: unknown,
  { onUnportable, onReplaced }: Pick<StageOptions, "onUnportable" | "onReplaced">,
): Promise<FinishedValue | undefined> {
  const key = decodeKey(record.keyBytes, record.negativeZeros);
  const cryptoKeys = new Map<CryptoKey, HostObject | undefined>();
  const blobs = new Map<Blob, Uint8Array | undefined>();
  const encode = () =>
    encodeInStore(store, key, value, (object) => {
      if (object instanceof Blob) {
        const hash = blobs.get(object);
        if (!hash) blobs.set(object, undefined);
        return blobForm(object, hash);
      }
      const form = describeHostObject(object);
      // Counted when the record was staged.
      if (!form || "unportable" in form) return form && placeholder(form.unportable);
      if (!("pending" in form)) return form;
      const known = cryptoKeys.get(form.pending);
      if (!known) cryptoKeys.set(form.pending, undefined);
      return known ?? placeholder({ type: "CryptoKey", reason: "" });
    });
  encode();
  let left = false;
  for (const cryptoKey of cryptoKeys.keys()) {
    try {
      cryptoKeys.set(cryptoKey, await exportCryptoKey(cryptoKey));
    } catch (error) {
      const unportable = unportableKey(cryptoKey, `It could not be exported: ${String(error)}.`);
      if (onUnportable === "fail") throw unportableError(unportable, store, key);
      onReplaced(store, unportable);
      left ||= onUnportable === "skip";
      cryptoKeys.set(cryptoKey, placeholder(unportable));
    }
  }
  if (left) return undefined;
  const content: [Uint8Array, Blob][] = [];
  for (const blob of blobs.keys()) {
    const hash = await hashBlob(blob);
    blobs.set(blob, hash);
    content.push([hash, blob]);
  }
  return { valueBytes: encode(), content };
}
