import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { writeToCsv, type WriteToCsvOptions } from "../../../io/index.js";
import { encodeKey, type SnapshotRecord, toHex } from "../../../snapshot/index.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { origin, put, tombstone, writeRecords } from "../record-files/written-records.js";

async function write(records: readonly SnapshotRecord[], options: WriteToCsvOptions = {}): Promise<string> {
  const folder = temporaryFolder();
  await writeRecords([records], writeToCsv(`${folder}/`, options));
  return join(folder, "notes-00000-of-00001.csv");
}

/** As Python's csv module reads it. */
function parse(file: string): Record<string, string>[] {
  const program = `import csv, json, sys
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    json.dump(list(csv.DictReader(file, strict=True)), sys.stdout)`;
  return JSON.parse(
    execFileSync("python3", ["-c", program, file], { encoding: "utf8", maxBuffer: 64 << 20 }),
  ) as Record<string, string>[];
}

describe("CSV", () => {
  test("has a line of names and a line a record, each ended by CR LF", async () => {
    const file = await write([put(1, { a: "x", n: 2 }, origin(0))], { loadId: "run" });
    expect(readFileSync(file, "utf8")).toMatch(
      /^_key,_key_json,_device,_version,_deleted,_extracted_at,_load_id,_rest,_issues,a,n\r\n[0-9a-f]+,1,phone,[0-9a-f]+,false,1970-01-01T00:00:00.000Z,run,,,x,2\r\n$/,
    );
  });

  test("every kind of value stands as another program reads it", async () => {
    const value = {
      text: 'a "quoted", text;\r\nof two lines',
      empty: "",
      spaces: " x ",
      emoji: "😀",
      nul: "a\0b",
      count: -3,
      ratio: 1.5e-7,
      far: -Infinity,
      big: -(2n ** 63n),
      flag: true,
      at: new Date(-1),
      image: new Uint8Array([0, 255]),
      tags: ["a,b"],
      none: null,
    };
    const [row] = parse(await write([put("k", value), put("l", {})]));
    expect(row).toMatchObject({
      _key: toHex(encodeKey("k")),
      text: value.text,
      empty: "",
      spaces: " x ",
      emoji: "😀",
      nul: "a\0b",
      count: "-3",
      ratio: "1.5e-7",
      far: "-Infinity",
      big: "-9223372036854775808",
      flag: "true",
      at: "1969-12-31T23:59:59.999Z",
      image: "00ff",
      tags: '["a,b"]',
    });
  });

  test("NULL is nothing, the empty text a pair of quotes", async () => {
    const file = await write([put(1, { a: "" }), put(2, { a: null }), put(3, {})], {
      columns: { notes: { a: "text" } },
    });
    const lines = readFileSync(file, "utf8").split("\r\n");
    expect(lines.slice(1, 4).map((line) => line.split(",").at(-1))).toEqual(['""', "", ""]);
  });

  test("a deleted record is a line of its own, or none", async () => {
    const records = [put(1, { a: 1 }, origin(1)), tombstone(1, origin(2)), put(2, { a: 2 })];
    expect(parse(await write(records)).map(({ _deleted, a }) => [_deleted, a])).toEqual([
      ["true", ""],
      ["false", "2"],
    ]);
    expect(parse(await write(records, { deletes: "hard" })).map(({ a }) => a)).toEqual(["2"]);
  });

  test("texts that a spreadsheet would run stand behind an apostrophe when asked for, and that is noted", async () => {
    const texts = [
      "=1+1",
      "+1+1",
      "-1+1",
      "@SUM(A1)",
      "\t=1",
      "\r=1",
      "\uff1d1",
      "-1",
      "+2.5e3",
      "a=1",
      "'=1",
    ];
    const records = texts.map((text, i) => put(i, { "=name": text }, origin(1, "@device")));
    const kept = parse(await write(records));
    expect(kept.map((row) => row["=name"])).toEqual(texts);
    const escaped = parse(await write(records, { formulas: "escape" }));
    const expected = texts.map((text, i) => (i < 7 ? `'${text}` : text));
    expect(escaped.map((row) => row["'=name"])).toEqual(expected);
    expect(escaped.map(({ _device }) => _device)).toEqual(texts.map(() => "'@device"));
    expect(JSON.parse(escaped[0]!._issues!)).toEqual([
      { column: "=name", issue: "formula-escaped" },
      { column: "_device", issue: "formula-escaped" },
    ]);
    expect(JSON.parse(escaped[7]!._issues!)).toEqual([{ column: "_device", issue: "formula-escaped" }]);
  });

  test("names of columns may be anything", async () => {
    const names = ['a"b', "a,b", "select", "", "\n", "é", "x".repeat(200), "_key"];
    const [row] = parse(await write([put(1, Object.fromEntries(names.map((name) => [name, "v"])))]));
    const own = Object.entries(row!).filter(
      ([name]) => !/^_(key|key_json|device|version|deleted|extracted_at|load_id|rest|issues)$/.test(name),
    );
    expect(own).toHaveLength(names.length);
    expect(own.every(([, cell]) => cell === "v")).toBe(true);
  });

  test("can be gzipped", async () => {
    const plain = await write([put(1, { a: "x" })], { loadId: "run" });
    const folder = temporaryFolder();
    await writeRecords(
      [[put(1, { a: "x" })]],
      writeToCsv(`${folder}/`, { compression: "gzip", loadId: "run" }),
    );
    const zipped = readFileSync(join(folder, "notes-00000-of-00001.csv.gz"));
    expect(gunzipSync(zipped)).toEqual(readFileSync(plain));
  });

  test("wrong options are told while the pipeline is built", () => {
    expect(() => writeToCsv("out/", { formulas: "remove" } as never)).toThrow('"keep" or "escape"');
    expect(() => writeToCsv("out/", { compression: "zip" } as never)).toThrow('"gzip"');
  });
});
