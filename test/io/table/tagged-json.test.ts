import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromTaggedJson, fromTaggedJsonColumns } from "../../../io/table/parse-tagged-json.js";
import { fieldPlace, maxJsonDepth, recordPlace, toTaggedJson } from "../../../io/table/tagged-json.js";
import { HostObject, SnapshotBlob, isSnapshotError } from "../../../snapshot/index.js";

const own = (name: string, value: unknown): object =>
  Object.defineProperty({}, name, { value, enumerable: true, configurable: true, writable: true });

describe("plain JSON stays plain JSON", () => {
  test.each([
    [null, "null"],
    [true, "true"],
    [1.5, "1.5"],
    ["a\0b", '"a\\u0000b"'],
    [{ a: [1, "x", { b: null }] }, '{"a":[1,"x",{"b":null}]}'],
    [[], "[]"],
  ])("%j", (value, text) => {
    expect(toTaggedJson(value)).toBe(text);
    expect(fromTaggedJson(text)).toEqual(value);
  });
});

describe("what JSON lacks has a tagged form and comes back", () => {
  const sparse: unknown[] = [];
  sparse[3] = "x";
  const shared = new Uint8Array([1, 2, 3, 4]);
  const cases: [string, unknown, string][] = [
    ["undefined", undefined, '{"$undefined":true}'],
    ["NaN", NaN, '{"$number":"NaN"}'],
    ["-0", -0, '{"$number":"-0"}'],
    ["Infinity", -Infinity, '{"$number":"-Infinity"}'],
    ["a BigInt", 2n ** 70n, '{"$bigint":"1180591620717411303424"}'],
    ["a Date", new Date(0), '{"$date":"1970-01-01T00:00:00.000Z"}'],
    ["a Date in the far future", new Date(8.64e15), '{"$date":"+275760-09-13T00:00:00.000Z"}'],
    ["an invalid Date", new Date(NaN), '{"$date":null}'],
    ["a RegExp", /a\/b/giu, '{"$regexp":["a\\\\/b","giu"]}'],
    [
      "a Map",
      new Map<unknown, unknown>([
        ["a", 1n],
        [{ k: 1 }, undefined],
      ]),
      '{"$map":[["a",{"$bigint":"1"}],[{"k":1},{"$undefined":true}]]}',
    ],
    ["a Set", new Set([1, "a"]), '{"$set":[1,"a"]}'],
    ["an ArrayBuffer", new Uint8Array([1, 2]).buffer, '{"$binary":{"type":"ArrayBuffer","base64":"AQI="}}'],
    ["a view", new Float32Array([1.5]), '{"$binary":{"type":"Float32Array","base64":"AADAPw=="}}'],
    [
      "a view of a part",
      shared.subarray(1, 3),
      '{"$view":{"type":"Uint8Array","byteOffset":1,"length":2,"buffer":{"$binary":{"type":"ArrayBuffer","base64":"AQIDBA=="}}}}',
    ],
    ["a boxed number", Object(5), '{"$boxed":5}'],
    ["a boxed string", Object("a"), '{"$boxed":"a"}'],
    ["a sparse array", sparse, '{"$array":{"length":4,"entries":[[3,"x"]]}}'],
    ["an object with a property like a tag", { $date: 1, b: 2 }, '{"$object":{"$date":1,"b":2}}'],
    ["an own __proto__", own("__proto__", { a: 1 }), '{"__proto__":{"a":1}}'],
    ["a lone surrogate", "a\ud800", '"a\\ud800"'],
    [
      "a platform object",
      new HostObject("DOMPoint", { x: 1 }),
      '{"$host":{"type":"DOMPoint","data":{"x":1}}}',
    ],
    [
      "a File",
      new SnapshotBlob({
        sha256: new Uint8Array(32),
        size: 3,
        type: "text/plain",
        name: "a.txt",
        lastModified: 5,
      }),
      `{"$blob":{"sha256":"${"00".repeat(32)}","size":3,"type":"text/plain","name":"a.txt","lastModified":5}}`,
    ],
  ];
  test.each(cases)("%s", (_, value, text) => {
    expect(toTaggedJson(value)).toBe(text);
    const back = fromTaggedJson(text);
    expect(back).toStrictEqual(value);
    expect(toTaggedJson(back)).toBe(text);
    expect(() => JSON.parse(text) as unknown).not.toThrow();
  });

  test("an array of four billion holes", () => {
    const value = new Array(2 ** 32 - 1);
    expect(toTaggedJson(value)).toBe('{"$array":{"length":4294967295,"entries":[]}}');
    expect((fromTaggedJson(toTaggedJson(value)) as unknown[]).length).toBe(2 ** 32 - 1);
  });

  test("an error with its cause", () => {
    const error = new RangeError("too far", { cause: new Map([[1, 2]]) });
    error.stack = "RangeError: too far\n    at somewhere";
    const back = fromTaggedJson(toTaggedJson(error)) as RangeError;
    expect(back).toBeInstanceOf(RangeError);
    expect([back.message, back.stack, back.cause]).toEqual([error.message, error.stack, error.cause]);
  });
});

describe("identity", () => {
  test("cycles come back", () => {
    const value: Record<string, unknown> = { list: [1] };
    value.self = value;
    value.inner = new Map([["top", value.list]]);
    const text = toTaggedJson(value);
    expect(text).toBe('{"list":[1],"self":{"$ref":[]},"inner":{"$map":[["top",{"$ref":["list"]}]]}}');
    const back = fromTaggedJson(text) as Record<string, unknown>;
    expect(back.self).toBe(back);
    expect((back.inner as Map<string, unknown>).get("top")).toBe(back.list);
  });

  test("two views of one buffer still share it", () => {
    const buffer = new ArrayBuffer(4);
    const back = fromTaggedJson(toTaggedJson([new Uint8Array(buffer), new Uint16Array(buffer), buffer])) as [
      Uint8Array,
      Uint16Array,
      ArrayBuffer,
    ];
    back[0][0] = 7;
    expect(back[1][0]).toBe(7);
    expect(back[2]).toBe(back[1].buffer);
  });

  test("references lead from one column of a record into another", () => {
    const list = [1];
    const record = { a: list, b: { list } };
    const place = recordPlace(record);
    const a = toTaggedJson(record.a, fieldPlace(place, "a"));
    const b = toTaggedJson(record.b, fieldPlace(place, "b"));
    expect([a, b]).toEqual(["[1]", '{"list":{"$ref":["a"]}}']);
    const back = fromTaggedJsonColumns({ a, b }) as typeof record;
    expect(back.b.list).toBe(back.a);
  });

  test("repeated sharing costs no room", () => {
    let value: unknown = ["bottom"];
    for (let i = 0; i < 100; i++) value = [value, value];
    expect(toTaggedJson(value).length).toBeLessThan(30_000);
  });
});

describe("limits", () => {
  test("a value nested too deeply is refused with its reason", () => {
    let value: unknown = 1;
    for (let i = 0; i < maxJsonDepth + 2; i++) value = [value];
    expect(() => toTaggedJson(value)).toThrow(/nested more than 500 levels/);
    try {
      toTaggedJson(value);
    } catch (error) {
      expect(isSnapshotError(error, "SNAPSHOT_LIMIT_EXCEEDED")).toBe(true);
    }
  });

  test.each([
    '{"$what":1}',
    "{",
    '{"$ref":["a"]}',
    '{"$map":[1]}',
    '{"$view":{"type":"Uint8Array","buffer":1}}',
  ])("foreign text %s is refused", (text) => {
    expect(() => fromTaggedJson(text)).toThrow(/tagged JSON/);
  });
});

test("any value comes back as it was", () => {
  const leaf = fc.oneof(
    fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined, -0, NaN),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.float64Array(),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.array(tie("value"), { maxLength: 5 }),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("$date", "$ref", "__proto__", "")), tie("value"), {
        maxKeys: 5,
      }),
      fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.array(tie("value"), { maxLength: 4 }).map((items) => new Set(items)),
      fc.sparseArray(tie("value"), { maxLength: 6 }),
    ),
  }));
  fc.assert(
    fc.property(value, (original) => {
      const text = toTaggedJson(original);
      const back = fromTaggedJson(text);
      expect(toTaggedJson(back)).toBe(text);
      expect(back).toEqual(original);
    }),
    { seed: 1, numRuns: 500 },
  );
});
