import { type SnapshotHeader, SnapshotRecord, SnapshotWriter, sha256 } from "../../snapshot/index.js";
import { nodePlatform } from "../../io/node-platform.js";
import { sampleSnapshot } from "../snapshot/sample-snapshot.js";
import { keyCases } from "../vectors/key-cases.js";
import { valueCases } from "../vectors/value-cases.js";

const base = "5a".repeat(32);
const origin = { device: "laptop \ud800", snapshot: "c3".repeat(32), capturedAt: 7, sequence: 2 };

/** The intact files that mutations start from, by name: every part of the format occurs in one of them. */
export async function seedSnapshots(): Promise<ReadonlyMap<string, Uint8Array>> {
  return new Map([
    ["stored", (await sampleSnapshot({ compression: "none" })).bytes],
    ["deflated", (await sampleSnapshot({ blockBytes: 1024, stores: 40 })).bytes],
    ["values", await written(["values"], {}, valueRecords(), { attachment: "hello" })],
    ["keys", await written(["keys", "keys \ud800"], {}, keyRecords())],
    ["delta", await written(["a", "b", "c"], { delta: { base } }, deltaRecords(), { blockBytes: 1024 })],
    [
      "shard",
      await written(["notes"], { shard: { set: "s", index: 1, count: 3 }, consistency: "batch" }, []),
    ],
    [
      "stores",
      await written(
        Array.from({ length: 40 }, (_, i) => `store ${i}`),
        { consistency: "store" },
        [],
      ),
    ],
  ]);
}

async function written(
  stores: readonly string[],
  header: Partial<SnapshotHeader>,
  records: readonly SnapshotRecord[],
  options: { readonly blockBytes?: number; readonly attachment?: string } = {},
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const writer = new SnapshotWriter(
    { write: (bytes) => void parts.push(bytes.slice()) },
    {
      database: {
        name: "fuzz",
        version: 9,
        objectStores: stores.map((name, i) => ({
          name,
          keyPath: i % 3 === 0 ? null : i % 3 === 1 ? "id" : ["a", "b.c"],
          autoIncrement: i % 2 === 1,
          ...(i % 2 === 1 ? { keyGenerator: { currentNumber: 2 ** 53 } } : {}),
          indexes: i === 1 ? [{ name: "by", keyPath: ["x"], unique: true, multiEntry: false }] : [],
        })),
      },
      origin: { device: "phone", capturedAt: 1 },
      ...header,
    },
    { platform: nodePlatform, ...(options.blockBytes ? { blockBytes: options.blockBytes } : {}) },
  );
  for (const record of records) await writer.add(record);
  if (options.attachment !== undefined) {
    const content = new TextEncoder().encode(options.attachment);
    await writer.addAttachment(sha256(content), content.length, [
      content.subarray(0, 2),
      content.subarray(2),
    ]);
  }
  await writer.finish();
  return Uint8Array.from(Buffer.concat(parts));
}

function valueRecords(): SnapshotRecord[] {
  return Object.values(valueCases).map((value, i) => record("values", i, value));
}

function keyRecords(): SnapshotRecord[] {
  return [
    ...keyCases.map(([, key]) => record("keys", key, 1)),
    record("keys \ud800", -0, [-0]),
    record("keys \ud800", [[-0, 1], -0, "a"], null),
  ];
}

function deltaRecords(): SnapshotRecord[] {
  return ["a", "b", "c"].flatMap((store) =>
    Array.from({ length: 30 }, (_, i) => {
      const key = `${store} ${String(i).padStart(3, "0")}`;
      const put = record(store, key, { key, text: `${store} ${Math.imul(i, 40_503) >>> 3}`.repeat(3) });
      const moved = i % 4 === 1 ? put.with({ origin }) : put;
      return i % 5 === 2 ? moved.toTombstone() : moved;
    }),
  );
}

function record(store: string, key: unknown, value: unknown): SnapshotRecord {
  return SnapshotRecord.of({ database: "fuzz", store, key, value }) as SnapshotRecord;
}
