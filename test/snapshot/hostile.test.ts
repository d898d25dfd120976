import { deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { nodePlatform } from "../../io/index.js";
import {
  bytesSource,
  crc32,
  decodeValue,
  encodeValue,
  fromHex,
  recoverSnapshot,
  SnapshotError,
  SnapshotReader,
  SnapshotWriter,
  webPlatform,
} from "../../snapshot/index.js";
import { encodeFrameHead } from "../../snapshot/frame.js";
import { valueCases } from "../vectors/value-cases.js";
import { sampleSnapshot } from "./sample-snapshot.js";

/** Mutations per test; `MUTATIONS=1000000 npx vitest run test/snapshot/hostile` for a long night. */
const mutations = Number(process.env.MUTATIONS ?? 30_000);

/** A small generator of its own, so that a seed gives the same run everywhere (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function mutated(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = bytes.slice(0, bytes.length);
  for (let n = 1 + random(3); n > 0; n--) {
    const at = random(copy.length);
    if (random(4) === 0) copy[at] = [0, 1, 0x7f, 0x80, 0xff][random(5)]!;
    else copy[at]! ^= 1 << random(8);
  }
  return random(8) === 0 ? copy.subarray(0, random(copy.length)) : copy;
}

test("altered values are refused or decoded, never worse", () => {
  const random = randomFrom(1);
  const samples = Object.values(valueCases).map((value) => encodeValue(value));
  for (let i = 0; i < mutations; i++) {
    const bytes = mutated(samples[i % samples.length]!, random);
    try {
      decodeValue(bytes);
    } catch (error) {
      expect(error, Buffer.from(bytes).toString("hex")).toBeInstanceOf(SnapshotError);
    }
  }
});

test("altered files whose checksums were mended are refused or read, never worse", async () => {
  const random = randomFrom(2);
  const { bytes } = await sampleSnapshot({ compression: "none" });
  const heads = await frames(bytes);
  for (let i = 0; i < mutations / 10; i++) {
    const altered = mend(mutated(bytes, random), heads);
    try {
      const reader = await SnapshotReader.open(bytesSource(altered), { platform: nodePlatform });
      for await (const record of reader.records()) decodeValue(record.valueBytes ?? encodeValue(null));
      await reader.verify();
    } catch (error) {
      expect(error).toBeInstanceOf(SnapshotError);
    }
    await recoverSnapshot(bytesSource(altered), { platform: nodePlatform }).catch((error: unknown) => {
      expect(error).toBeInstanceOf(SnapshotError);
    });
  }
});

interface Extent {
  readonly offset: number;
  readonly headEnd: number;
  readonly end: number;
}

/** Where the frames of an intact file are: heads end with their checksum, payloads are checked by the one in the head. */
async function frames(bytes: Uint8Array): Promise<Extent[]> {
  const reader = await SnapshotReader.open(bytesSource(bytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: Extent[] = [];
  const footer = view.getFloat64(bytes.length - 24, true);
  for (let at = 12; at < bytes.length - 24;) {
    const headEnd = at + 16 + 5 + view.getUint32(at + 17, true);
    const next = at === footer ? bytes.length - 24 : bytes.indexOf(bytes[12]!, headEnd);
    let end = next;
    while (end < bytes.length - 24 && !sameMarker(bytes, end)) end = bytes.indexOf(bytes[12]!, end + 1);
    found.push({ offset: at, headEnd, end });
    at = end;
  }
  expect(found.length).toBe(reader.blocks.length + 3);
  return found;
}

function sameMarker(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i++) if (bytes[at + i] !== bytes[12 + i]) return false;
  return true;
}

/** Gives every frame head the checksum of what it says now, so that the checks behind the checksums are tried. */
function mend(bytes: Uint8Array, extents: readonly Extent[]): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const { offset, headEnd } of extents) {
    if (headEnd + 4 <= bytes.length) view.setUint32(headEnd, crc32(bytes.subarray(offset, headEnd)), true);
  }
  return bytes;
}

const hostile: readonly (readonly [string, string])[] = [
  ["an array of 2^52 items", "100bffffffffffffff0f"],
  ["an array as long as its bytes, nested at every level", `10${"0b01".repeat(5)}0bff7f`],
  ["a sparse array of 2^32 items", "100c808080801000"],
  ["a bigint of 2^40 bytes", "1007808080808020"],
  ["an ArrayBuffer of 2^40 bytes", "1012808080808020"],
  ["a resizable ArrayBuffer that may grow to 2^50 bytes", "10130080808080808002"],
  ["strings beyond the section", "1102616243"],
  ["a view inside a view inside a view", `10${"15020001".repeat(2000)}`],
  ["a reference to itself", "100f00"],
  ["host objects in host objects", `110161${"1e01".repeat(100)}`],
  ["an unknown tag", "101f"],
  ["an unknown version", "20"],
  ["bytes after the end", "100000"],
  ["a varint in a longer form", "100480818000"],
  ["a shape with one name twice", "1405020261026120"],
  ["an attachment that is not there", "101c0000"],
  ["a UTF-8 section that is none", "1101ff41"],
  ["a UTF-16 section that could be UTF-8", "1302610041"],
  ["a negative bigint zero", "100800"],
  ["nothing at all", ""],
];

test.each(hostile)("%s is refused at once", (_what, hex) => {
  expect(() => decodeValue(fromHex(hex))).toThrow(SnapshotError);
});

test("values nested a hundred thousand levels come back, on the default stack", () => {
  let value: unknown = 0;
  for (let i = 0; i < 100_000; i++) value = [value];
  let decoded = decodeValue(encodeValue(value));
  let levels = 0;
  while (Array.isArray(decoded)) {
    decoded = decoded[0] as unknown;
    levels++;
  }
  expect([levels, decoded]).toEqual([100_000, 0]);
});

test("__proto__ of a file is data and changes no prototype", () => {
  const decoded = decodeValue(encodeValue(JSON.parse('{"__proto__":{"polluted":true},"a":1}'))) as Record<
    string,
    unknown
  >;
  expect(Object.keys(decoded)).toEqual(["__proto__", "a"]);
  expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test.each([
  ["Node's zlib", nodePlatform],
  ["DecompressionStream", webPlatform],
] as const)("a block that inflates to more than it announces is refused by %s", async (_name, platform) => {
  const bomb = deflateRawSync(Buffer.alloc(50 << 20));
  await expect((async () => platform.inflateRaw(bomb, 1000))()).rejects.toMatchObject({
    code: "SNAPSHOT_MALFORMED",
  });
  await expect(
    (async () => platform.inflateRaw(deflateRawSync(Buffer.alloc(10)), 1000))(),
  ).rejects.toMatchObject({ code: "SNAPSHOT_MALFORMED" });
  // A distance beyond the beginning, a kind of block that does not exist, an end that does not come.
  for (const bytes of [[0x03 | 0x40, 0x04, 0xff], [0xff, 0xff], [0x4b], []]) {
    await expect((async () => platform.inflateRaw(Uint8Array.from(bytes), 1000))()).rejects.toMatchObject({
      code: "SNAPSHOT_MALFORMED",
    });
  }
});

test("a file that announces huge blocks or a huge footer is refused without allocating them", async () => {
  const { bytes } = await sampleSnapshot();
  const sync = bytes.slice(12, 28);
  for (const header of [
    { stored_length: 2 ** 52, raw_length: 2 ** 52, compression: 0, crc: 0 },
    { stored_length: 10, raw_length: 2 ** 40, compression: 1, crc: 0 },
    { stored_length: -1, raw_length: -1, compression: 0, crc: 0 },
    { stored_length: NaN, raw_length: NaN, compression: 0, crc: 0 },
    { stored_length: 0.5, raw_length: 0.5, compression: 0, crc: 0 },
  ]) {
    const head = encodeFrameHead(4, header, sync, nodePlatform);
    const forged = Buffer.concat([bytes.subarray(0, 12), head, Buffer.alloc(10), trailer(12)]);
    await expect(SnapshotReader.open(bytesSource(forged), { platform: nodePlatform })).rejects.toBeInstanceOf(
      SnapshotError,
    );
  }
});

test("a footer that inflates to far more than the file could list is refused without inflating it", async () => {
  const { bytes } = await sampleSnapshot();
  const sync = bytes.slice(12, 28);
  // Twenty thousand bytes that are ten million empty entries, or object stores, or counts.
  for (const entry of ["1200", "0a021200", "2200"]) {
    const raw = Buffer.alloc(20_000_000, Buffer.from(entry, "hex"));
    const payload = deflateRawSync(raw);
    const header = {
      stored_length: payload.length,
      raw_length: raw.length,
      compression: 1,
      crc: crc32(payload),
    };
    const head = encodeFrameHead(4, header, sync, nodePlatform);
    const forged = Buffer.concat([bytes.subarray(0, 12), head, payload, trailer(12)]);
    await expect(SnapshotReader.open(bytesSource(forged), { platform: nodePlatform })).rejects.toMatchObject({
      code: "SNAPSHOT_LIMIT_EXCEEDED",
    });
  }
});

test("a footer that lists more than the file holds, since nearly all was left out and counted, can be read", async () => {
  const stores = Array.from({ length: 2000 }, (_, i) => `store ${i}`);
  const parts: Uint8Array[] = [];
  const writer = new SnapshotWriter(
    { write: (part) => void parts.push(part.slice()) },
    {
      database: {
        name: "keys only",
        version: 1,
        objectStores: stores.map((name) => ({ name, keyPath: null, autoIncrement: false, indexes: [] })),
      },
      origin: { device: "", capturedAt: 0 },
    },
    { platform: nodePlatform },
  );
  const unportable = stores.flatMap((store) =>
    ["CryptoKey", "FileSystemFileHandle"].map((type) => ({ store, type, count: 9, policy: "skip" as const })),
  );
  await writer.finish({ unportable });
  const reader = await SnapshotReader.open(bytesSource(Buffer.concat(parts)), { platform: nodePlatform });
  await reader.verify();
  expect(reader.summary.unportable).toEqual(unportable);
});

function trailer(footerOffset: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeDoubleLE(footerOffset, 0);
  bytes.writeUInt32LE(1, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
  Buffer.from([0x89, 0x49, 0x44, 0x42, 0x45, 0x4e, 0x44, 0x0a]).copy(bytes, 16);
  return bytes;
}
