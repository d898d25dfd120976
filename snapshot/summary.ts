import type { FrameEntryMessage } from "./message-codec.js";
import { frameKinds } from "./frame.js";
import type { DatabaseSchema } from "./schema.js";
import { toHex } from "./hex.js";

/** What a whole snapshot holds. */
export interface SnapshotSummary {
  /** SHA-256 over the headers of all frames, as 64 hexadecimal digits: equal ids, equal content in equal blocks. */
  readonly id: string;
  /** Length of the file. */
  readonly bytes: number;
  /** Records of all stores, tombstones among them. */
  readonly records: number;
  readonly stores: readonly StoreSummary[];
  readonly attachments: { readonly count: number; readonly bytes: number };
  /** Values that could not leave the device, and what was done about them. */
  readonly unportable: readonly UnportableCount[];
}

/** What a snapshot holds of one object store. */
export interface StoreSummary {
  readonly name: string;
  readonly records: number;
  /** Tombstones among `records`. */
  readonly deleted: number;
  readonly blocks: number;
  /** Raw and stored bytes of the store's blocks. */
  readonly rawBytes: number;
  readonly storedBytes: number;
}

/** Values of one type in one object store that could not leave the device. */
export interface UnportableCount {
  readonly store: string;
  /** For example "CryptoKey". */
  readonly type: string;
  readonly count: number;
  readonly policy: "placeholder" | "skip";
}

/** Every store of the schema is listed, also an empty one. */
export function summarize(
  id: string,
  bytes: number,
  schema: DatabaseSchema,
  frames: readonly FrameEntryMessage[],
  unportable: readonly UnportableCount[],
): SnapshotSummary {
  const stores = schema.objectStores.map(({ name }) => ({
    name,
    records: 0,
    deleted: 0,
    blocks: 0,
    rawBytes: 0,
    storedBytes: 0,
  }));
  const attachments = new Map<string, number>();
  for (const { kind, header } of frames) {
    const store = stores[header.store ?? 0];
    if (kind === frameKinds.records && store) {
      store.records += header.count ?? 0;
      store.deleted += header.deleted ?? 0;
      store.blocks++;
      store.rawBytes += header.raw_length;
      store.storedBytes += header.stored_length;
    } else if (kind === frameKinds.attachment && header.sha256) {
      attachments.set(toHex(header.sha256), header.size ?? 0);
    }
  }
  return {
    id,
    bytes,
    records: stores.reduce((sum, store) => sum + store.records, 0),
    stores,
    attachments: {
      count: attachments.size,
      bytes: [...attachments.values()].reduce((sum, size) => sum + size, 0),
    },
    unportable,
  };
}
