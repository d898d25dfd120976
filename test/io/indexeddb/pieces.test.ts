import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runDirect } from "../../../beam/index.js";
import { PlanBlocks } from "../../../io/indexeddb/plan-blocks.js";
import { openSnapshot, readFromIndexedDB, writeToIndexedDB } from "../../../io/index.js";
import { deviceSnapshot } from "../../device-snapshot.js";
import { temporaryFolder } from "../../temporary-folder.js";

/** 60 notes of 200 KB: about a dozen megabytes of raw blocks, several pieces of 2 MiB. */
async function largeFile(): Promise<string> {
  const notes = Array.from({ length: 60 }, (_, i) => ({
    id: `note ${String(i).padStart(3, "0")}`,
    text: String.fromCharCode(97 + (i % 26)).repeat(200_000),
  }));
  const file = join(temporaryFolder(), "large.idbsnap");
  writeFileSync(file, await deviceSnapshot({ device: "d", capturedAt: 1, notes }));
  return file;
}

test("a large file is read in several pieces that together are the file, each block once", async () => {
  const file = await largeFile();
  await using snapshot = await openSnapshot(file);
  const counted = { increment: () => undefined };
  const outputs = await new PlanBlocks({ missingStores: "fail" }, false).process(
    { path: file, size: snapshot.summary.bytes, lastModified: 0 },
    { blocksSkipped: counted, bytesSkipped: counted, failures: counted } as never,
  );
  const pieces = outputs.flatMap((output) => ("tasks" in output ? [output.tasks.blocks] : []));
  expect(pieces.length).toBeGreaterThan(4);
  expect(pieces.flat()).toEqual(snapshot.blocks.map((_, number) => number));
});

test("its pieces, read in parallel, give every record once", async () => {
  const file = await largeFile();
  const out = join(temporaryFolder(), "copy");
  const { metrics } = await runDirect((root) => {
    root.apply(readFromIndexedDB(file)).apply(writeToIndexedDB(out));
  });
  expect(metrics.counters).toMatchObject({ "recordsRead/notes": 60, "recordsWritten/notes": 60 });
  await using original = await openSnapshot(file);
  await using copy = await openSnapshot(`${out}-00000-of-00001.idbsnap`);
  for await (const record of original.records()) {
    const same = await copy.get(record.store, record.key);
    expect(Buffer.compare(same!.valueBytes!, record.valueBytes!), record.describe()).toBe(0);
  }
});
