import { expect, test } from "vitest";
import { bytesSource, recoverSnapshot, SnapshotReader } from "../../snapshot/index.js";
import { sampleSnapshot } from "./sample-snapshot.js";

test("what is written is read: header, schema, records in order, attachments", async () => {
  const { bytes, header, records, content, summary } = await sampleSnapshot();
  const reader = await SnapshotReader.open(bytesSource(bytes));
  expect(reader.header).toEqual({
    ...header,
    consistency: "database",
    origin: { ...header.origin, sequence: 0 },
  });
  expect(reader.summary).toEqual(summary);
  const read = [];
  for await (const record of reader.records()) read.push(record);
  expect(read.map((record) => [record.store, record.key, record.value, record.deleted])).toEqual(
    records.map((record) => [record.store, record.key, record.value, record.deleted]),
  );
  expect(await reader.attachment(content.sha256)!.slice(0, content.bytes.length)).toEqual(content.bytes);
  await reader.verify();
});

test("the file cut at any byte is never read as a whole one", async () => {
  const { bytes } = await sampleSnapshot();
  for (let length = 0; length < bytes.length; length++) {
    await expect(wholeRead(bytes.subarray(0, length)), `cut at ${length}`).rejects.toMatchObject({
      name: "SnapshotError",
    });
  }
});

test("the file with any byte altered is never read as a whole one", async () => {
  const { bytes } = await sampleSnapshot();
  for (let at = 0; at < bytes.length; at++) {
    const altered = bytes.slice();
    altered[at]! ^= 1 << (at % 8);
    await expect(wholeRead(altered), `byte ${at} altered`).rejects.toMatchObject({ name: "SnapshotError" });
  }
});

test("a file cut or altered anywhere gives back its intact blocks, and only those", async () => {
  const { bytes, records } = await sampleSnapshot({ blockBytes: 1024, stores: 60 });
  const reader = await SnapshotReader.open(bytesSource(bytes));
  const total = records.length;
  for (let at = 12; at < bytes.length; at += 7) {
    const altered = bytes.slice();
    altered[at]! ^= 0x10;
    const recovered = await recoverSnapshot(bytesSource(altered));
    const hit = reader.blocks.find(
      (block, i) =>
        at >= block.offset &&
        at < (reader.blocks[i + 1]?.offset ?? Infinity) &&
        at < block.offset + 120 + block.storedBytes,
    );
    let count = 0;
    for await (const record of recovered.records()) count += record.store === "" ? 0 : 1;
    expect(count).toBe(recovered.recordsIntact);
    expect(recovered.complete).toBe(false);
    expect(recovered.recordsIntact).toBeGreaterThanOrEqual(hit ? total - hit.count : total);
  }
});

async function wholeRead(bytes: Uint8Array): Promise<void> {
  const reader = await SnapshotReader.open(bytesSource(bytes));
  await reader.verify();
}
