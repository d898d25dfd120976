import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import avro from "avsc";
import { describe, expect, test } from "vitest";
import { fromTaggedJson, writeToAvro, type WriteToAvroOptions } from "../../../io/index.js";
import { pythonEnvironment } from "../../../runners/service/python.js";
import { decodeKey, decodeValue, type SnapshotRecord } from "../../../snapshot/index.js";
import { structuredEqual } from "../../../testing/structured-equal.js";
import { cacheFolder } from "../../runners/programs.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { valueCases } from "../../vectors/value-cases.js";
import { origin, put, tombstone, writeRecords } from "../record-files/written-records.js";

interface AvroRecord {
  readonly database: string;
  readonly store: string;
  readonly key: Buffer;
  readonly key_json: string;
  readonly value: Buffer | null;
  readonly value_json: string | null;
  readonly deleted: boolean;
  readonly device: string;
  readonly snapshot: string;
  readonly captured_at: number;
  readonly sequence: number;
}

async function write(records: readonly SnapshotRecord[], options: WriteToAvroOptions = {}): Promise<string> {
  const folder = temporaryFolder();
  await writeRecords([records], writeToAvro(`${folder}/`, options));
  return join(folder, "notes-00000-of-00001.avro");
}

async function read(file: string): Promise<AvroRecord[]> {
  const records: AvroRecord[] = [];
  for await (const record of avro.createFileDecoder(file)) records.push(record as AvroRecord);
  return records;
}

describe("Avro", () => {
  test.each(["deflate", "null"] as const)("files hold whole records (codec %s)", async (codec) => {
    const cases = Object.entries(valueCases).filter(([name]) => !/resiz|levels/i.test(name));
    const file = await write(
      [
        ...cases.map(([name, value]) => put(name, value, origin(1714557600123, "tablet", 7))),
        tombstone(-0, origin(5)),
      ],
      { codec },
    );
    const [deleted, ...rest] = await read(file);
    expect(deleted).toMatchObject({
      key_json: '{"$number":"-0"}',
      value: null,
      value_json: null,
      deleted: true,
    });
    expect(rest).toHaveLength(cases.length);
    for (const record of rest) {
      const value = valueCases[decodeKey(record.key) as keyof typeof valueCases];
      expect(structuredEqual(decodeValue(record.value!), value), record.key_json).toBe(true);
      expect(structuredEqual(fromTaggedJson(record.value_json!), value), record.key_json).toBe(true);
      expect(record).toMatchObject({
        database: "app",
        store: "notes",
        device: "tablet",
        captured_at: 1714557600123,
        sequence: 7,
        deleted: false,
      });
    }
  });

  test("without JSON no value is decoded", async () => {
    const records = [put(1, { a: 1 })];
    const [record] = await read(await write(records, { valueJson: false }));
    expect(record!.value_json).toBeNull();
    expect(decodeValue(record!.value!)).toEqual({ a: 1 });
  });

  test("Beam's Python SDK reads a file in parts", async () => {
    const count = 20_000;
    const file = await write(
      Array.from({ length: count }, (_, n) => put(n, { n, text: "some text ".repeat(9) })),
    );
    const python = join(await pythonEnvironment({ cacheFolder }), "bin/python");
    const program = `import json, sys
from apache_beam.io.avroio import ReadFromAvro, _create_avro_source
source = _create_avro_source(sys.argv[1])
parts = list(source.split(64 * 1024))
records = [r for part in parts for r in part.source.read(part.source.get_range_tracker(part.start_position, part.stop_position))]
total = sum(json.loads(r["value_json"])["n"] for r in records)
print(json.dumps({"parts": len(parts), "records": len(records), "total": total}))`;
    const found = JSON.parse(execFileSync(python, ["-c", program, file], { encoding: "utf8" })) as Record<
      string,
      number
    >;
    expect(found).toMatchObject({ records: count, total: (count * (count - 1)) / 2 });
    expect(found.parts).toBeGreaterThan(3);
    expect(readFileSync(file).length).toBeGreaterThan(200_000);
  });

  test.each([
    ["half a surrogate pair in a name", put(1, 1, origin(1, "\ud800"))],
    ["a capture time that is no whole number", put(1, 1, origin(1.5))],
  ])("a record with %s is refused", async (_, record) => {
    await expect(write([record])).rejects.toMatchObject({ code: "STORE_CONSTRAINT", store: "notes" });
  });

  test("wrong options are told while the pipeline is built", () => {
    expect(() => writeToAvro("out/", { codec: "zstd" } as never)).toThrow('"deflate" or "null"');
    expect(() => writeToAvro("out/", { valueJson: "no" } as never)).toThrow("true or false");
    expect(() => writeToAvro("out/", { columns: {} } as never)).toThrow("columns");
  });
});
