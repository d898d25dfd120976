import {
  sha256,
  SnapshotBlob,
  type SnapshotHeader,
  SnapshotRecord,
  type SnapshotSummary,
  SnapshotWriter,
  type SnapshotWriterOptions,
} from "../../snapshot/index.js";

export interface SampleSnapshot {
  readonly bytes: Uint8Array;
  readonly header: SnapshotHeader;
  readonly records: readonly SnapshotRecord[];
  readonly content: { readonly bytes: Uint8Array; readonly sha256: Uint8Array };
  readonly summary: SnapshotSummary;
}

/** A small database with two stores, all kinds of keyPath, an attachment and a tombstone; deterministic. */
export async function sampleSnapshot(
  options: SnapshotWriterOptions & { readonly stores?: number } = {},
): Promise<SampleSnapshot> {
  const header: SnapshotHeader = {
    database: {
      name: "notes",
      version: 3,
      objectStores: [
        {
          name: "notes",
          keyPath: "id",
          autoIncrement: false,
          indexes: [
            { name: "by_tag", keyPath: "tags", unique: false, multiEntry: true },
            { name: "by_title_and_date", keyPath: ["title", "updatedAt"], unique: true, multiEntry: false },
          ],
        },
        {
          name: "outbox",
          keyPath: null,
          autoIncrement: true,
          keyGenerator: { currentNumber: 42 },
          indexes: [],
        },
        { name: "empty", keyPath: ["a", "b"], autoIncrement: false, indexes: [] },
      ],
    },
    origin: { device: "phone", capturedAt: 1_700_000_000_000 },
    createdBy: "test",
  };
  const bytes = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) % 251);
  const content = { bytes, sha256: sha256(bytes) };
  const picture = new SnapshotBlob({
    sha256: content.sha256,
    size: bytes.length,
    type: "image/png",
    name: "a.png",
    lastModified: 5,
  });
  const count = options.stores ?? 5;
  const records = [
    ...Array.from({ length: count }, (_, i) =>
      SnapshotRecord.of<unknown, unknown>({
        database: "notes",
        store: "notes",
        key: `note ${String(i).padStart(4, "0")}`,
        value: {
          id: `note ${String(i).padStart(4, "0")}`,
          title: `Title ${i * 31}`,
          updatedAt: new Date(i * 1e9),
          tags: ["a", "b"],
          ...(i === 2 ? { picture } : {}),
        },
      }),
    ),
    SnapshotRecord.of<unknown, unknown>({ database: "notes", store: "outbox", key: -0, value: undefined }),
    SnapshotRecord.of<unknown, unknown>({
      database: "notes",
      store: "outbox",
      key: 41,
      deleted: true,
      origin: { device: "laptop", snapshot: "ab".repeat(32), capturedAt: 9, sequence: 1 },
    }),
  ] as SnapshotRecord[];
  const parts: Uint8Array[] = [];
  const { stores: _stores, ...writerOptions } = options;
  const writer = new SnapshotWriter(
    { write: (part) => void parts.push(part.slice()) },
    header,
    writerOptions,
  );
  for (const record of records) await writer.add(record);
  await writer.addAttachment(content.sha256, bytes.length, [bytes.subarray(0, 1000), bytes.subarray(1000)]);
  const summary = await writer.finish();
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return { bytes: whole, header, records, content, summary };
}
