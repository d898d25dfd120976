import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { nodePlatform } from "../../io/node-platform.js";
import {
  bytesSource,
  recoverSnapshot,
  SnapshotError,
  SnapshotReader,
  type SnapshotRecord,
} from "../../snapshot/index.js";

const platform = nodePlatform;
const corpus = fileURLToPath(new URL("../fuzz/corpus/", import.meta.url));
// Stored and deflated blocks, several blocks a store, deltas with tombstones and foreign origins, attachments of two parts, shards, every type of value.
const names = readdirSync(corpus).filter((name) => name.endsWith(".idbsnap"));

describe.each(names)("%s", (name) => {
  const bytes = new Uint8Array(readFileSync(corpus + name));

  test("cut at any byte is never read as a whole one, and gives back only what was there", async () => {
    const { blocks } = await SnapshotReader.open(bytesSource(bytes), { platform });
    const all = new Set(await recordsOf(bytes));
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      expect(await failureOf(cut), `cut at ${length}`).toBeInstanceOf(SnapshotError);
      // What is left changes with whole blocks: every third length sees each of them come and go.
      const recovered = length % 3 === 0 ? await tryRecover(cut) : undefined;
      if (!recovered) continue;
      const whole = blocks.filter(
        (block, i) => (blocks[i + 1]?.offset ?? block.offset + block.storedBytes + 400) <= length,
      );
      expect(recovered.length, `cut at ${length}`).toBeGreaterThanOrEqual(
        whole.reduce((sum, { count }) => sum + count, 0),
      );
      expect(
        recovered.filter((record) => !all.has(record)),
        `cut at ${length}`,
      ).toEqual([]);
    }
  });

  test.each([0x01, 0x80, 0xff])(
    "with any byte altered by %i is never read as a whole one",
    async (change) => {
      const altered = bytes.slice();
      for (let at = 0; at < bytes.length; at++) {
        altered[at] = bytes[at]! ^ change;
        expect(await failureOf(altered), `byte ${at} altered`).toBeInstanceOf(SnapshotError);
        altered[at] = bytes[at]!;
      }
      expect(await failureOf(altered)).toBeUndefined();
    },
  );

  test("with bytes before it, after it, or lacking inside is never read as a whole one", async () => {
    for (const strange of [
      Buffer.concat([Buffer.from([0]), bytes]),
      Buffer.concat([bytes, Buffer.from([0])]),
      Buffer.concat([bytes, bytes.subarray(bytes.length - 24)]),
    ])
      expect(await failureOf(new Uint8Array(strange))).toBeInstanceOf(SnapshotError);
    for (let at = 0; at < bytes.length; at += 3) {
      const lacking = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
      expect(await failureOf(new Uint8Array(lacking)), `without byte ${at}`).toBeInstanceOf(SnapshotError);
    }
  });
});

async function failureOf(bytes: Uint8Array): Promise<unknown> {
  try {
    const reader = await SnapshotReader.open(bytesSource(bytes), { platform });
    await reader.verify();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function recordsOf(bytes: Uint8Array): Promise<string[]> {
  const reader = await SnapshotReader.open(bytesSource(bytes), { platform });
  const records: string[] = [];
  for await (const record of reader.records()) records.push(identity(record));
  return records;
}

/** The records of what is left, or undefined when not even the file's marker is. */
async function tryRecover(bytes: Uint8Array): Promise<string[] | undefined> {
  try {
    const recovered = await recoverSnapshot(bytesSource(bytes), { platform });
    const found: string[] = [];
    for await (const record of recovered.records()) found.push(identity(record));
    return found;
  } catch (error) {
    if (error instanceof SnapshotError) return undefined;
    throw error;
  }
}

/** Key and value; a file that lost its header does not know the names of its stores. */
function identity({ keyBytes, valueBytes }: SnapshotRecord): string {
  return (
    Buffer.from(keyBytes).toString("hex") + (valueBytes ? ` ${Buffer.from(valueBytes).toString("hex")}` : "")
  );
}
