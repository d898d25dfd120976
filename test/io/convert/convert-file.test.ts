import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { main } from "../../../cli/main.js";
import { convertFile, openSnapshot } from "../../../io/index.js";
import { jsonParts } from "../../../io/convert/json-parts.js";
import { temporaryFolder } from "../../temporary-folder.js";

interface DexieTable {
  readonly name: string;
  readonly schema: string;
  readonly rowCount?: number;
  readonly inbound?: boolean;
  readonly rows: readonly unknown[];
}

function dexieFile(tables: readonly DexieTable[], changes: object = {}): string {
  return JSON.stringify({
    formatName: "dexie",
    formatVersion: 1,
    data: {
      databaseName: "app",
      databaseVersion: 0.3,
      tables: tables.map(({ name, schema, rowCount, rows }) => ({
        name,
        schema,
        rowCount: rowCount ?? rows.length,
      })),
      data: tables.map(({ name, inbound = true, rows }) => ({ tableName: name, inbound, rows })),
      ...changes,
    },
  });
}

function stateFile(databases: readonly object[]): string {
  return JSON.stringify({
    cookies: [],
    origins: [{ origin: "https://a.example", localStorage: [], indexedDB: databases }],
  });
}

const database = (name: string, records: readonly object[], store: object = {}) => ({
  name,
  version: 2,
  stores: [{ name: "notes", records, indexes: [], autoIncrement: false, keyPath: "id", ...store }],
});

function fileOf(text: string): { input: string; output: string; folder: string } {
  const folder = temporaryFolder();
  const input = join(folder, "in.json");
  writeFileSync(input, text);
  return { input, output: join(folder, "out.idbsnap"), folder };
}

async function convertText(text: string, options = {}) {
  const { input, output } = fileOf(text);
  const report = await convertFile(input, output, options);
  const reader = await openSnapshot(output);
  const values: unknown[] = [];
  for await (const { key, value } of reader.records()) values.push([key, value]);
  await reader.close();
  return { report, values, schema: reader.schema, header: reader.header };
}

describe("files of dexie-export-import", () => {
  test("rows that are announced and missing make the conversion incomplete, and the command say so", async () => {
    const text = dexieFile([{ name: "notes", schema: "id", rowCount: 5, rows: [{ id: 1 }, { id: 2 }] }]);
    const { report } = await convertText(text);
    expect(report.complete).toBe(false);
    expect(report.issues).toContainEqual(
      expect.objectContaining({ code: "ROWS_MISSING", store: "notes", count: 3 }),
    );
    const { input, output } = fileOf(text);
    let out = "";
    const terminal = {
      out: (part: string) => void (out += part),
      err: () => undefined,
      isInteractive: false,
    };
    expect(await main(["convert", input, `--output=${output}`, "--json"], terminal)).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ file: input, output, complete: false, summary: { records: 2 } });
  });

  test("an own __proto__ is a property, here and in paths of types", async () => {
    const text = dexieFile([
      {
        name: "notes",
        schema: "id",
        rows: [JSON.parse('{"id":1,"__proto__":{"polluted":5},"$types":{"__proto__.polluted":"date"}}')],
      },
    ]);
    const { values } = await convertText(text);
    const value = (values[0] as [number, object])[1];
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(value, "__proto__")?.value).toEqual({ polluted: new Date(5) });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test("types that are not known are counted, and their data is kept", async () => {
    const { report, values } = await convertText(
      dexieFile([
        {
          name: "notes",
          schema: "id",
          rows: [{ id: 1, image: { width: 2 }, $types: { image: "imagedata" } }],
        },
      ]),
    );
    expect(values).toEqual([[1, { id: 1, image: { width: 2 } }]]);
    expect(report.issues).toContainEqual(expect.objectContaining({ code: "UNKNOWN_TYPES", count: 1 }));
  });

  test("device and capture time are those of the file, or as given", async () => {
    const text = dexieFile([{ name: "notes", schema: "", inbound: false, rows: [[1, "one"]] }]);
    expect((await convertText(text)).header.origin.device).toBe("in.json");
    const given = await convertText(text, { device: "phone", capturedAt: 12 });
    expect(given.header.origin).toMatchObject({ device: "phone", capturedAt: 12 });
    expect(given.values).toEqual([[1, "one"]]);
  });

  const notes = { name: "notes", schema: "id", rows: [{ id: 1 }] };
  test.each<[what: string, text: string, code: string, message: RegExp]>([
    ["cut", dexieFile([notes]).slice(0, -20), "CONVERT_INVALID", /no valid JSON/],
    ["cut inside a text", `${dexieFile([notes]).slice(0, 30)}"abc`, "CONVERT_INVALID", /no valid JSON/],
    ["followed by more", `${dexieFile([notes])}x`, "CONVERT_INVALID", /no valid JSON/],
    [
      "with a comma too many",
      dexieFile([notes]).replace('{"id":1}', '{"id":1},'),
      "CONVERT_INVALID",
      /unexpected token/,
    ],
    [
      "of another format version",
      dexieFile([notes]).replace('Version":1', 'Version":2'),
      "CONVERT_INVALID",
      /version 2/,
    ],
    ["without a name", dexieFile([notes], { databaseName: 5 }), "CONVERT_INVALID", /without a name/],
    ["with a table twice", dexieFile([notes, notes]), "CONVERT_INVALID", /twice/],
    [
      "with rows of another table",
      dexieFile([notes]).replace('tableName":"notes', 'tableName":"x'),
      "CONVERT_INVALID",
      /not listed/,
    ],
    [
      "with rows out of order",
      dexieFile([{ ...notes, rows: [{ id: 2 }, { id: 1 }] }]),
      "SNAPSHOT_KEY_ORDER",
      /ascending/,
    ],
    [
      "with a row without its key",
      dexieFile([{ ...notes, rows: [{ x: 1 }] }]),
      "SNAPSHOT_KEY_INVALID",
      /key/,
    ],
    [
      "with a reference to nothing",
      dexieFile([{ ...notes, rows: [{ id: 1, a: "#b", $types: { a: "#" } }] }]),
      "CONVERT_INVALID",
      /did not come before/,
    ],
    [
      "with a view beyond its buffer",
      dexieFile([
        {
          ...notes,
          rows: [
            {
              id: 1,
              a: { buffer: "AAA=", byteOffset: 9, length: 9 },
              $types: { a: "uint8array2", "a.buffer": "arraybuffer" },
            },
          ],
        },
      ]),
      "CONVERT_INVALID",
      /beyond its buffer/,
    ],
    [
      "with binary data that is none",
      dexieFile([{ ...notes, rows: [{ id: 1, a: "!!", $types: { a: "arraybuffer" } }] }]),
      "CONVERT_INVALID",
      /base64/,
    ],
    [
      "with an array of absurd length",
      dexieFile([{ ...notes, rows: [{ id: 1, a: { length: 1e12 }, $types: { a: "arrayNonindexKeys" } }] }]),
      "CONVERT_INVALID",
      /length/,
    ],
    [
      "with a regular expression that is none",
      dexieFile([{ ...notes, rows: [{ id: 1, a: { source: "(", flags: "" }, $types: { a: "regexp" } }] }]),
      "CONVERT_INVALID",
      /regular expression/,
    ],
    [
      "nested without end",
      dexieFile([{ ...notes, rows: [] }]).replace('"rows":[]', `"rows":[${"[".repeat(5000)}`),
      "CONVERT_INVALID",
      /nesting/,
    ],
    ["of another tool", '{"hello":1}', "CONVERT_FORMAT_UNKNOWN", /neither/],
    ["that is empty", "", "CONVERT_FORMAT_UNKNOWN", /neither/],
  ])("a file %s is refused, and nothing is left behind", async (_what, text, code, message) => {
    const { input, output, folder } = fileOf(text);
    await expect(convertFile(input, output)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
      file: input,
    });
    expect(readdirSync(folder)).toEqual(["in.json"]);
  });
});

describe("storage states of Playwright", () => {
  test("one of several databases is chosen by name", async () => {
    const text = stateFile([database("a", [{ value: { id: 1 } }]), database("b", [{ value: { id: 2 } }])]);
    expect((await convertText(text, { database: "b" })).values).toEqual([[2, { id: 2 }]]);
    const { input, output } = fileOf(text);
    await expect(convertFile(input, output)).rejects.toMatchObject({
      code: "CONVERT_DATABASE_UNCLEAR",
      message: expect.stringMatching(/"a" of https:\/\/a\.example, "b" of/) as string,
    });
    await expect(convertFile(input, output, { database: "c" })).rejects.toMatchObject({
      code: "CONVERT_DATABASE_UNCLEAR",
    });
  });

  test("a state without databases says how to get them", async () => {
    const { input, output } = fileOf('{"cookies":[],"origins":[]}');
    await expect(convertFile(input, output)).rejects.toMatchObject({
      code: "CONVERT_DATABASE_UNCLEAR",
      message: expect.stringMatching(/indexedDB: true/) as string,
    });
  });

  test("objects that may have been Blobs and Dates without a time are counted by record", async () => {
    const encoded = (id: number, v: unknown) => ({
      valueEncoded: {
        o: [
          { k: "id", v: id },
          { k: "x", v },
        ],
        id: 1,
      },
    });
    const { report, values } = await convertText(
      stateFile([
        database("a", [encoded(1, { o: [], id: 2 }), encoded(2, { d: null }), encoded(3, { ref: 1 })]),
      ]),
    );
    expect(values.slice(0, 2)).toEqual([
      [1, { id: 1, x: {} }],
      [2, { id: 2, x: new Date(NaN) }],
    ]);
    expect(report.issues).toContainEqual(
      expect.objectContaining({ code: "EMPTY_OBJECTS", store: "notes", count: 1 }),
    );
    expect(report.issues).toContainEqual(
      expect.objectContaining({ code: "INVALID_DATES", store: "notes", count: 1 }),
    );
  });

  test.each<[what: string, record: object]>([
    ["an unknown type", { valueEncoded: { zz: 1 } }],
    ["a reference to nothing", { valueEncoded: { ref: 7 } }],
    ["half of an element", { valueEncoded: { ta: { k: "f64", b: "AAAA" } } }],
    ["a special value that is none", { valueEncoded: { v: "NaNa" } }],
    ["a list that is none", { valueEncoded: { a: 5, id: 1 } }],
  ])("%s is refused", async (_what, record) => {
    const { input, output } = fileOf(stateFile([database("a", [record])]));
    await expect(convertFile(input, output)).rejects.toMatchObject({ code: "CONVERT_INVALID" });
  });
});

describe("the stream of JSON", () => {
  test("parts come out the same wherever the bytes are cut", async () => {
    const text = '{"a":[1,{"b":"\\u00e9\\ud83d\\udc4d"},[]],"c":{"d":[true,null,-1.5e3]},"e":{}}';
    const bytes = Buffer.from(text);
    const read = async (size: number) => {
      async function* chunks(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
      }
      const parts: unknown[] = [];
      for await (const part of jsonParts(chunks(), (path) => path.length === 1)) parts.push(part);
      return parts;
    };
    const whole = JSON.parse(text) as Record<string, unknown>;
    const expected = Object.entries(whole).map(([key, value]) => ({ path: [key], value }));
    for (let size = 1; size <= bytes.length; size++) expect(await read(size)).toEqual(expected);
  });
});
