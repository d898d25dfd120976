import fc from "fast-check";
import { expect, test } from "vitest";
import { nodePlatform } from "../../io/node-platform.js";
import { bytesSource, recoverSnapshot, SnapshotReader } from "../../snapshot/index.js";
import { putTogether, takeApart } from "../fuzz/snapshot-parts.js";
import { sampleSnapshot } from "./sample-snapshot.js";

const platform = nodePlatform;
const recordsKind = 2;
const attachmentKind = 3;

interface Extent {
  readonly kind: number;
  readonly from: number;
  readonly to: number;
}

/** Where each frame before the footer lies. */
function extentsOf(bytes: Uint8Array): Extent[] {
  const { footer } = takeApart(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return footer.frames!.map(({ kind, offset, header }) => {
    const head = 16 + 5 + view.getUint32(offset + 17, true) + 4;
    return { kind, from: offset, to: offset + head + header.stored_length };
  });
}

test("whatever blocks are damaged, recovery gives exactly the records of the others and names the lost ones", async () => {
  const { bytes, content } = await sampleSnapshot({ blockBytes: 1024, stores: 120 });
  const extents = extentsOf(bytes);
  const reader = await SnapshotReader.open(bytesSource(bytes), { platform });
  const contents = new Map(
    await Promise.all(
      reader.blocks.map(
        async (block) => [block.offset, (await reader.readBlock(block)).map(identity)] as const,
      ),
    ),
  );
  expect(reader.blocks.length).toBeGreaterThan(5);
  const hits = fc.uniqueArray(
    fc.record({ frame: fc.nat(extents.length - 1), at: fc.nat(), bit: fc.nat(7) }),
    { selector: ({ frame }) => frame, maxLength: extents.length },
  );
  await fc.assert(
    fc.asyncProperty(hits, fc.boolean(), async (damage, footerLost) => {
      const damaged = footerLost ? bytes.slice(0, extents.at(-1)!.to + 30) : bytes.slice();
      for (const { frame, at, bit } of damage) {
        const { from, to } = extents[frame]!;
        // Without a footer the marker in front of the first frame is the only one that is known.
        const markerNeeded = footerLost && frame === 0;
        const first = markerNeeded ? from + 16 : from;
        damaged[first + (at % (to - first))]! ^= 1 << bit;
      }
      const hit = new Set(damage.map(({ frame }) => frame));
      const recovered = await recoverSnapshot(bytesSource(damaged), { platform });
      const records: string[] = [];
      for await (const record of recovered.records()) records.push(identity(record));
      const isRecords = ({ kind }: Extent) => kind === recordsKind;
      const intact = extents.filter((extent, number) => isRecords(extent) && !hit.has(number));
      const lost = extents.filter((extent, number) => isRecords(extent) && hit.has(number));
      // The header's frame gone and the footer, too: stores are known by their numbers only.
      const anonymous = footerLost && hit.has(0);
      expect(recovered.headerIntact).toBe(!anonymous);
      const expected = intact.flatMap(({ from }) => contents.get(from)!);
      if (anonymous) expect(records.length).toBe(expected.length);
      else expect(records).toEqual(expected);
      expect(recovered.recordsIntact).toBe(expected.length);
      const lostRecords = lost.reduce((sum, { from }) => sum + contents.get(from)!.length, 0);
      expect(recovered.recordsLost).toBe(footerLost ? undefined : lostRecords);
      expect(recovered.complete).toBe(!footerLost && hit.size === 0);
      for (const number of hit) {
        const { from, to } = extents[number]!;
        expect(recovered.lost.some((range) => range.from <= from && range.to >= to)).toBe(true);
      }
      if (!footerLost)
        expect(recovered.lost.reduce((sum, range) => sum + (range.records ?? 0), 0)).toBe(lostRecords);
      const attachmentHit = damage.some(({ frame }) => extents[frame]!.kind === attachmentKind);
      expect(recovered.attachment(content.sha256) === undefined).toBe(attachmentHit);
    }),
    { seed: 11, numRuns: 150 },
  );
});

function identity(record: {
  store: string;
  keyBytes: Uint8Array;
  valueBytes: Uint8Array | undefined;
}): string {
  const hex = (part: Uint8Array | undefined) => (part ? Buffer.from(part).toString("hex") : "deleted");
  return `${record.store} ${hex(record.keyBytes)} ${hex(record.valueBytes)}`;
}

test("a block whose checksum is right and whose records can't be read is lost, and the others are not", async () => {
  const { bytes } = await sampleSnapshot({ blockBytes: 1024, stores: 60 });
  const parts = takeApart(bytes);
  const block = parts.frames.find(({ kind }) => kind === recordsKind)!;
  const count = block.header.count!;
  block.payload = Uint8Array.of(0, 0xff, 0xff, 0xff);
  const recovered = await recoverSnapshot(bytesSource(putTogether(parts)), { platform });
  expect(recovered.lost).toMatchObject([{ code: "SNAPSHOT_MALFORMED", store: "notes", records: count }]);
  let read = 0;
  for await (const { store } of recovered.records()) read += store === "notes" || store === "outbox" ? 1 : 0;
  expect(read).toBe(62 - count);
  expect([recovered.recordsIntact, recovered.recordsLost, recovered.complete]).toEqual([
    62 - count,
    count,
    false,
  ]);
});

test("a block of an object store that the schema does not have is lost, not passed over", async () => {
  const { bytes } = await sampleSnapshot();
  const parts = takeApart(bytes);
  const block = parts.frames.find(({ kind }) => kind === recordsKind)!;
  block.header.store = 3;
  const forged = putTogether(parts);
  const recovered = await recoverSnapshot(bytesSource(forged), { platform });
  expect(recovered.lost.map(({ code }) => code)).toContain("SNAPSHOT_STORE_UNKNOWN");
  expect(recovered.recordsIntact).toBe(2);
});

test("a header that is none, whatever its checksum says, costs the names and not the records", async () => {
  const { bytes } = await sampleSnapshot();
  const parts = takeApart(bytes);
  parts.frames[0]!.payload = Uint8Array.of(0xff, 0xff);
  const forged = putTogether(parts);
  const recovered = await recoverSnapshot(bytesSource(forged.subarray(0, forged.length - 24)), { platform });
  expect([recovered.headerIntact, recovered.recordsIntact]).toEqual([false, 7]);
  expect(recovered.lost[0]).toMatchObject({ from: 12, code: "SNAPSHOT_MALFORMED" });
});
