import { expect, test } from "vitest";
import { nodePlatform } from "../../io/index.js";
import {
  bytesSource,
  describeKey,
  type Platform,
  sha256,
  SnapshotReader,
  SnapshotRecord,
  SnapshotWriter,
  type SnapshotHeader,
} from "../../snapshot/index.js";

const header: SnapshotHeader = {
  database: {
    name: "db",
    version: 1,
    objectStores: [
      { name: "a", keyPath: null, autoIncrement: false, indexes: [] },
      { name: "b", keyPath: null, autoIncrement: false, indexes: [] },
    ],
  },
  origin: { device: "d", capturedAt: 0 },
};

function writerTo(parts: Uint8Array[], platform: Platform = nodePlatform, blockBytes = 1024): SnapshotWriter {
  return new SnapshotWriter({ write: (bytes) => void parts.push(bytes.slice()) }, header, {
    platform,
    blockBytes,
  });
}

const record = (store: string, key: number, value: unknown = "x") => SnapshotRecord.of({ store, key, value });
/** Bytes that no compression shrinks, the same every time. */
const noise = (length: number, seed: number) => {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 32)
    bytes.set(sha256(Uint8Array.of(seed, i & 255, i >> 8)).subarray(0, Math.min(32, length - i)), i);
  return bytes;
};

test.each([
  ["a key twice", [record("a", 1), record("a", 1)], "SNAPSHOT_KEY_ORDER"],
  ["keys out of order", [record("a", 2), record("a", 1)], "SNAPSHOT_KEY_ORDER"],
  ["a store that was left", [record("a", 1), record("b", 1), record("a", 2)], "SNAPSHOT_KEY_ORDER"],
  ["a store that the schema lacks", [record("c", 1)], "SNAPSHOT_STORE_UNKNOWN"],
] as const)("%s is refused", async (_what, records, code) => {
  const writer = writerTo([]);
  await expect(
    (async () => {
      for (const one of records) await writer.add(one);
    })(),
  ).rejects.toMatchObject({ code });
});

test("content with another hash or size than announced makes the snapshot void", async () => {
  const writer = writerTo([]);
  await expect(writer.addAttachment(sha256(Uint8Array.of(1)), 1, [Uint8Array.of(2)])).rejects.toMatchObject({
    code: "SNAPSHOT_ATTACHMENT_MISMATCH",
  });
  await expect(writer.finish()).rejects.toMatchObject({ code: "SNAPSHOT_ATTACHMENT_MISMATCH" });
});

test("a sink that fails fails the writer, once and for all, and is nobody's unhandled rejection", async () => {
  const full = new Error("full");
  const writer = new SnapshotWriter({ write: () => Promise.reject(full) }, header);
  await new Promise((resolve) => setImmediate(resolve));
  await expect(writer.finish()).rejects.toBe(full);
});

test("a record larger than a block stands in a block of its own, over 16 MiB without compression", async () => {
  const parts: Uint8Array[] = [];
  const writer = writerTo(parts);
  await writer.add(record("a", 1));
  await writer.add(record("a", 2, "y".repeat(17 << 20)));
  await writer.add(record("a", 3));
  await writer.finish();
  const reader = await SnapshotReader.open(bytesSource(Buffer.concat(parts)), { platform: nodePlatform });
  expect(reader.blocks.map(({ count }) => count)).toEqual([1, 1, 1]);
  expect(reader.blocks[1]!.storedBytes).toBe(reader.blocks[1]!.rawBytes);
  expect((await reader.get("a", 2))?.value).toHaveLength(17 << 20);
  await reader.verify();
});

test("long keys are cut in the index, and still found", async () => {
  const parts: Uint8Array[] = [];
  const writer = writerTo(parts);
  const keys = Array.from({ length: 12 }, (_, i) => "k".repeat(1100) + String.fromCharCode(97 + i));
  for (const key of keys) await writer.add(SnapshotRecord.of({ store: "a", key, value: key.at(-1) }));
  await writer.finish();
  const reader = await SnapshotReader.open(bytesSource(Buffer.concat(parts)), { platform: nodePlatform });
  expect(reader.blocks.length).toBeGreaterThan(3);
  expect(
    reader.blocks.every(({ firstKey, lastKeyIsPrefix }) => firstKey.length === 1024 && lastKeyIsPrefix),
  ).toBe(true);
  for (const key of keys) expect((await reader.get("a", key))?.value).toBe(key.at(-1));
  expect(await reader.get("a", "k".repeat(1100))).toBeUndefined();
  await reader.verify();
});

test("blocks that do not shrink are soon not tried any more, and what shrinks again is", async () => {
  let tried = 0;
  const counting: Platform = {
    ...nodePlatform,
    deflateRaw: (bytes) => {
      tried++;
      return nodePlatform.deflateRaw(bytes);
    },
  };
  const parts: Uint8Array[] = [];
  const writer = writerTo(parts, counting);
  for (let i = 0; i < 60; i++) await writer.add(record("a", i, noise(2000, i)));
  const noisy = tried;
  for (let i = 60; i < 120; i++) await writer.add(record("a", i, "text ".repeat(500)));
  await writer.finish();
  expect(noisy).toBeLessThan(15);
  const reader = await SnapshotReader.open(bytesSource(Buffer.concat(parts)), { platform: nodePlatform });
  const shrunk = reader.blocks.filter(({ rawBytes, storedBytes }) => storedBytes < rawBytes / 2);
  expect(shrunk.length).toBeGreaterThan(50);
  await reader.verify();
});

test("the same content gives the same bytes, and unchanged stretches the same blocks", async () => {
  const write = async (from: number) => {
    const parts: Uint8Array[] = [];
    const writer = writerTo(parts);
    for (let i = from; i < 2000; i++) await writer.add(record("a", i, `value ${i}`));
    await writer.finish();
    return Buffer.concat(parts);
  };
  const [first, again, shorter] = await Promise.all([write(0), write(0), write(1)]);
  expect(Buffer.compare(first, again)).toBe(0);
  const crcs = async (bytes: Uint8Array) => {
    const reader = await SnapshotReader.open(bytesSource(bytes), { platform: nodePlatform });
    return Promise.all(
      reader.blocks.map(async (block) =>
        (await reader.readBlock(block)).map(({ key }) => describeKey(key)).join(),
      ),
    );
  };
  const [a, b] = [await crcs(first), new Set(await crcs(shorter))];
  expect(a.filter((block) => b.has(block)).length).toBeGreaterThan(a.length * 0.8);
});

test("opening, one key and a range take few reads", async () => {
  const parts: Uint8Array[] = [];
  const writer = writerTo(parts, nodePlatform, 4096);
  for (let i = 0; i < 20_000; i++) await writer.add(record("a", i, `value ${i}`));
  await writer.finish();
  const bytes = Buffer.concat(parts);
  let reads = 0;
  let read = 0;
  const spying = {
    byteLength: bytes.length,
    slice(start: number, end: number) {
      reads++;
      read += end - start;
      return bytes.subarray(start, end);
    },
  };
  const reader = await SnapshotReader.open(spying, { platform: nodePlatform });
  expect(reads).toBe(1);
  expect((await reader.get("a", 12_345))?.value).toBe("value 12345");
  expect(reads).toBe(2);
  reads = read = 0;
  const found = [];
  for await (const one of reader.records({ keyRange: { lower: 5000, upper: 5200, upperOpen: true } }))
    found.push(one.key);
  expect(found).toHaveLength(200);
  expect(read).toBeLessThan(bytes.length / 20);
});
