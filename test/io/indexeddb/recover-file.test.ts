import { linkSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSnapshot, recoverFile } from "../../../io/index.js";
import { sampleSnapshot } from "../../snapshot/sample-snapshot.js";
import { temporaryFolder } from "../../temporary-folder.js";

async function damaged(alter: (bytes: Uint8Array) => Uint8Array): Promise<{ folder: string; file: string }> {
  const folder = temporaryFolder();
  const { bytes } = await sampleSnapshot({ stores: 300, blockBytes: 2048 });
  const file = join(folder, "damaged.idbsnap");
  writeFileSync(file, alter(bytes));
  return { folder, file };
}

test("what is intact of a cut file becomes a whole one", async () => {
  const { folder, file } = await damaged((bytes) => bytes.subarray(0, bytes.length >> 1));
  const output = join(folder, "saved.idbsnap");
  const report = await recoverFile(file, output);
  expect(report).toMatchObject({ complete: false, recordsLost: undefined });
  expect(report.records).toBeGreaterThan(50);
  await using saved = await openSnapshot(output);
  await saved.verify();
  expect(saved.summary.records).toBe(report.records);
});

test("examining says what writing would, lost contents of Blobs included", async () => {
  const { bytes } = await sampleSnapshot({ stores: 300, blockBytes: 2048, compression: "none" });
  const hash = Buffer.from((await sampleSnapshot()).content.bytes.subarray(0, 8));
  const { folder, file } = await damaged(() => {
    const altered = Buffer.from(bytes);
    const at = altered.indexOf(hash);
    expect(at).toBeGreaterThan(0);
    altered[at]! ^= 1;
    return altered;
  });
  const examined = await recoverFile(file);
  const written = await recoverFile(file, join(folder, "saved.idbsnap"));
  expect({ ...written, summary: undefined }).toEqual(examined);
  expect(examined.failedRecords.map(({ error }) => error.code)).toEqual(["SNAPSHOT_ATTACHMENT_MISSING"]);
});

test("no file that is there is replaced, whatever name it has: least of all the damaged one", async () => {
  const { folder, file } = await damaged((bytes) => bytes.subarray(0, 3000));
  const before = readFileSync(file);
  symlinkSync(file, join(folder, "link.idbsnap"));
  linkSync(file, join(folder, "hard.idbsnap"));
  writeFileSync(join(folder, "good.idbsnap"), "good");
  for (const name of [
    "damaged.idbsnap",
    "./damaged.idbsnap",
    "link.idbsnap",
    "hard.idbsnap",
    "good.idbsnap",
  ]) {
    await expect(recoverFile(file, `${folder}/${name}`)).rejects.toMatchObject({ code: "FILE_NOT_WRITABLE" });
  }
  expect(Buffer.compare(readFileSync(file), before)).toBe(0);
  expect(readFileSync(join(folder, "good.idbsnap"), "utf8")).toBe("good");
});
