import { nodePlatform } from "../io/index.js";
import { type DatabaseSchema, SnapshotRecord, SnapshotWriter } from "../snapshot/index.js";

export const notesSchema: DatabaseSchema = {
  name: "notes",
  version: 1,
  objectStores: [{ name: "notes", keyPath: "id", autoIncrement: false, indexes: [] }],
};

/** The snapshot of a device with an object store "notes", keyed by `id`; deleted ids are tombstones. */
export async function deviceSnapshot(device: {
  readonly device: string;
  readonly capturedAt: number;
  readonly notes: readonly { readonly id: string }[];
  readonly deleted?: readonly string[];
  readonly schema?: DatabaseSchema;
  readonly blockBytes?: number;
}): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const schema = device.schema ?? notesSchema;
  const writer = new SnapshotWriter(
    { write: (bytes) => void parts.push(bytes.slice()) },
    { database: schema, origin: { device: device.device, capturedAt: device.capturedAt } },
    { platform: nodePlatform, blockBytes: device.blockBytes },
  );
  const records = [
    ...device.notes.map((note) => SnapshotRecord.of({ store: "notes", key: note.id, value: note })),
    ...(device.deleted ?? []).map((id) =>
      SnapshotRecord.of({ store: "notes", key: id, value: undefined, deleted: true }),
    ),
  ].sort((a, b) => Buffer.compare(a.keyBytes, b.keyBytes));
  for (const { store, keyBytes, valueBytes, deleted } of records)
    await writer.add({ store, keyBytes, valueBytes, deleted });
  await writer.finish();
  return Buffer.concat(parts);
}
