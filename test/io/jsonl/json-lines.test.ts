import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runDirect } from "../../../beam/index.js";
import { type FailedRecord, readFromJsonLines, writeToJsonLines } from "../../../io/index.js";
import { readLines, textOf } from "../../../io/jsonl/read-lines.js";
import { fromTypedLine } from "../../../io/jsonl/typed-line.js";
import {
  bytesSource,
  encodeKey,
  SnapshotError,
  type SnapshotRecord,
  toHex,
} from "../../../snapshot/index.js";
import { assertElements, assertRecords } from "../../../testing/index.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { valueCases } from "../../vectors/value-cases.js";
import { origin, put, tombstone, writeRecords } from "../record-files/written-records.js";

function placeOf({ offset, error }: FailedRecord): { at: number; code: string } {
  return { at: offset ?? -1, code: error.code };
}

const fileOf = (folder: string, name = "notes-00000-of-00001.jsonl"): string => join(folder, name);

describe("plain", () => {
  test("a line is an object of metadata and columns", async () => {
    const folder = temporaryFolder();
    const record = put(
      7,
      {
        title: "Milk",
        count: 3,
        ratio: 1.5,
        far: Infinity,
        big: 2n ** 60n,
        flag: false,
        at: new Date(1714557600123),
        image: new Uint8Array([0, 1, 255]),
        tags: ["a", { b: [NaN] }],
        none: null,
      },
      origin(1714557600000, "tablet ü"),
    );
    await writeRecords([[record]], writeToJsonLines(`${folder}/`, { loadId: "run-1" }));
    const line = JSON.parse(readFileSync(fileOf(folder), "utf8")) as Record<string, unknown>;
    expect(line).toMatchObject({
      _key: toHex(encodeKey(7)),
      _key_json: "7",
      _device: "tablet ü",
      _deleted: false,
      _extracted_at: "2024-05-01T10:00:00.000Z",
      _load_id: "run-1",
      title: "Milk",
      count: 3,
      ratio: 1.5,
      far: "Infinity",
      big: "1152921504606846976",
      flag: false,
      at: "2024-05-01T10:00:00.123Z",
      image: "AAH/",
      tags: ["a", { b: [{ $number: "NaN" }] }],
    });
    expect(Object.keys(line)).not.toContain("none");
  });

  test("what a column does not hold is in the variant column, the rest, or the issues", async () => {
    const folder = temporaryFolder();
    await writeRecords(
      [[put(1, { a: 1 }), put(2, { a: 2 }), put(3, { a: "x" }), put(4, { a: -0, extra: [1n] })]],
      writeToJsonLines(`${folder}/`, { columns: { notes: { a: "integer" } } }),
    );
    const lines = readFileSync(fileOf(folder), "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { a: 1 },
      { a: 2 },
      { _rest: { a: "x" } },
      { a: 0, _rest: { extra: [{ $bigint: "1" }] }, _issues: [{ column: "a", issue: "negative-zero" }] },
    ]);
  });
});

test("a change is an event in Debezium's envelope", async () => {
  const folder = temporaryFolder();
  await writeRecords(
    [[put(1, { a: "x" }, origin(1000, "phone", 4)), tombstone("b", origin(2000))]],
    writeToJsonLines(`${folder}/`, { form: "changes" }),
  );
  const lines = readFileSync(fileOf(folder), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    {
      key: 1,
      before: null,
      after: { a: "x" },
      op: "r",
      ts_ms: 1000,
      source: {
        connector: "beam-indexeddb",
        db: "app",
        table: "notes",
        ts_ms: 1000,
        device: "phone",
        sequence: 4,
      },
    },
    { key: "b", before: null, after: null, op: "d", ts_ms: 2000 },
  ]);
});

describe("typed lines bring every record back", () => {
  const roundTrip = async (
    records: readonly SnapshotRecord[],
    compression: "none" | "gzip" = "none",
  ): Promise<void> => {
    const folder = temporaryFolder();
    await writeRecords([records], writeToJsonLines(`${folder}/`, { form: "typed", compression }));
    await runDirect((root) => {
      root.apply(readFromJsonLines(`${folder}/*`)).apply(assertRecords(records, { origin: true }));
    });
  };

  test.each(["none", "gzip"] as const)("of every kind (compression %s)", async (compression) => {
    // Whether a buffer can be resized is not kept, as tagged JSON says; content of Blobs stays in the snapshot.
    const cases = Object.entries(valueCases).filter(([name]) => !/resiz|grow|length-tracking/i.test(name));
    await roundTrip(
      cases.map(([name, value]) => put(name, value, origin(5, "dévice \ud800", 3))),
      compression,
    );
  });

  test("with keys of every kind", async () => {
    const keys = [
      -0,
      0,
      -1.5,
      Infinity,
      "",
      "\ud800",
      "a\nb",
      new Date(0),
      new Uint8Array([1]).buffer,
      [[], -0],
    ];
    await roundTrip([
      ...keys.map((key, i) => put(key, 1, origin(1), `store ${i}`)),
      tombstone("t", origin(2)),
    ]);
  });

  test("or refuses what JSON has no number for", async () => {
    await expect(
      writeRecords(
        [[put(1, 1, origin(Infinity))]],
        writeToJsonLines(`${temporaryFolder()}/`, { form: "typed" }),
      ),
    ).rejects.toMatchObject({ code: "STORE_CONSTRAINT", store: "notes" });
  });

  test("with any texts", async () => {
    const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
    const text = fc.string({ unit, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(text, { minLength: 1, maxLength: 20 }), text, async (texts, store) => {
        await roundTrip(texts.map((one) => put(one, { [one]: one }, origin(1), store)));
      }),
      { seed: 5, numRuns: 15 },
    );
  });
});

describe("reading", () => {
  test("lines that are no records are dead letters with their place; the others are read", async () => {
    const folder = temporaryFolder();
    await writeRecords([[put(1, "a")]], writeToJsonLines(`${folder}/`, { form: "typed" }));
    const good = readFileSync(fileOf(folder));
    const bad = [
      '{"half":',
      "[]",
      "{}",
      `{"database":"d","store":"s","key":{"$bigint":"1"},"value":1,"origin":{}}`,
      "null",
    ];
    writeFileSync(
      join(folder, "bad.jsonl"),
      Buffer.concat([Buffer.from(`${bad.join("\r\n")}\n\n`), Buffer.of(0xff, 10), good]),
    );
    await runDirect((root) => {
      root
        .apply(
          readFromJsonLines(join(folder, "bad.jsonl"), {
            errorHandler: (failed) => {
              failed.map(placeOf).apply(
                assertElements([
                  { at: 0, code: "SNAPSHOT_MALFORMED" },
                  { at: 10, code: "SNAPSHOT_MALFORMED" },
                  { at: 14, code: "SNAPSHOT_MALFORMED" },
                  { at: 18, code: "SNAPSHOT_MALFORMED" },
                  { at: 92, code: "SNAPSHOT_MALFORMED" },
                  { at: 98, code: "SNAPSHOT_MALFORMED" },
                ]),
              );
            },
          }),
        )
        .apply(assertRecords([put(1, "a")]));
    });
  });

  test("without a handler the first fault fails the job and says where", async () => {
    const file = join(temporaryFolder(), "a.jsonl");
    writeFileSync(file, "\n{}\n");
    await expect(
      runDirect((root) => {
        root.apply(readFromJsonLines(file));
      }),
    ).rejects.toMatchObject({ code: "SNAPSHOT_MALFORMED", file, offset: 1 });
  });

  test("a damaged gzip file is no shorter file", async () => {
    const file = join(temporaryFolder(), "a.jsonl.gz");
    const bytes = gzipSync(Buffer.from(`${JSON.stringify("x".repeat(5000))}\n`));
    writeFileSync(file, bytes.subarray(0, bytes.length - 9));
    await expect(
      runDirect((root) => {
        root.apply(readFromJsonLines(file));
      }),
    ).rejects.toMatchObject({ code: "FILE_READ_FAILED" });
  });

  test("gzip files of several members are read, and what follows the last is no silence", async () => {
    const members = Buffer.concat([gzipSync("a\n"), gzipSync("b\n")]);
    const found: string[] = [];
    for await (const line of readLines(bytesSource(members), "a.gz")) found.push(textOf(line));
    expect(found).toEqual(["a", "b"]);
    const tail = Buffer.concat([gzipSync("a\n"), Buffer.alloc(3), gzipSync("b\n")]);
    await expect(async () => {
      for await (const line of readLines(bytesSource(tail), "a.gz")) textOf(line);
    }).rejects.toMatchObject({ code: "FILE_READ_FAILED" });
  });

  test("a gzip file that can't be read to its end fails with the error of the file", async () => {
    const bytes = gzipSync(Buffer.from(`${JSON.stringify("x".repeat(100))}\n`));
    const source = {
      byteLength: bytes.length,
      slice: (start: number, end: number) => {
        if (start === 0 && end === 2) return bytes.subarray(0, 2);
        throw new SnapshotError("FILE_READ_FAILED", "The network is gone.");
      },
    };
    await expect(async () => {
      for await (const line of readLines(source, "a.gz")) textOf(line);
    }).rejects.toThrow("The network is gone.");
  });

  test("errors hold no values, and addresses no secrets", async () => {
    const text = `{"title":"my secret diary"`;
    expect(() => fromTypedLine(text)).toThrow(expect.objectContaining({ code: "SNAPSHOT_MALFORMED" }));
    try {
      fromTypedLine(text);
    } catch (error) {
      expect(inspect(error)).not.toContain("diary");
    }
    const source = readFromJsonLines("https://bob:hunter2@example.com/x.jsonl?sig=TOPSECRET");
    expect(JSON.stringify([(source as { beamName?: string }).beamName])).not.toMatch(/hunter2|TOPSECRET/);
  });

  test("any division into pieces gives the same lines", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom("a", "é", "😀"), maxLength: 6 }), { maxLength: 20 }),
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        async (lines, end, isLastEnded) => {
          const bytes = Buffer.from(lines.join(end) + (isLastEnded ? end : ""));
          const found: string[] = [];
          for await (const line of readLines(bytesSource(bytes), "a")) {
            const { offset } = line;
            const text = textOf(line);
            found.push(text);
            expect(bytes.subarray(offset, offset + Buffer.byteLength(text)).toString()).toBe(text);
          }
          expect(found).toEqual(lines.filter((line) => line !== ""));
        },
      ),
      { seed: 6, numRuns: 200 },
    );
  });

  test("a pattern without files is told", async () => {
    await expect(
      runDirect((root) => {
        root.apply(readFromJsonLines(join(temporaryFolder(), "*.jsonl")));
      }),
    ).rejects.toMatchObject({ code: "FILE_NO_MATCH" });
    expect(() => readFromJsonLines("")).toThrow(TypeError);
  });
});

test("gzipped files say so in their names, and are what others unpack", async () => {
  const folder = temporaryFolder();
  const records = Array.from({ length: 5000 }, (_, i) => put(i, { text: `note ${i}`.repeat(20) }));
  await writeRecords([records], writeToJsonLines(`${folder}/`, { compression: "gzip" }));
  const bytes = readFileSync(fileOf(folder, "notes-00000-of-00001.jsonl.gz"));
  expect(gunzipSync(bytes).toString().trimEnd().split("\n")).toHaveLength(5000);
});

test("wrong options are told while the pipeline is built", () => {
  expect(() => writeToJsonLines("out/", { form: "pretty" } as never)).toThrow('"plain"');
  expect(() => writeToJsonLines("out/", { compression: "zip" } as never)).toThrow('"gzip"');
  expect(() => writeToJsonLines("out/", { form: "typed", columns: {} })).toThrow("no columns");
  expect(() => writeToJsonLines("out/", { form: "changes", loadId: "x" })).toThrow("no place for loadId");
  expect(() => writeToJsonLines("out/", { loadId: "x\ud800" })).toThrow("surrogate");
  expect(() => writeToJsonLines(`out/${"x".repeat(120)}`)).toThrow("longer than 120 bytes");
});
