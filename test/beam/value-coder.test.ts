import "apache-beam";
import { type Coder, Context, globalRegistry } from "apache-beam/coders/coders";
import { GeneralObjectCoder } from "apache-beam/coders/js_coders";
import { KVCoder, LengthPrefixedCoder } from "apache-beam/coders/required_coders";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import {
  create,
  groupBy,
  groupByKey,
  type PCollection,
  Pipeline,
  reshuffle,
  Root,
  withName,
} from "../../beam/index.js";
import { SnapshotRecord } from "../../snapshot/index.js";

const fromSdk = createRequire(createRequire(import.meta.url).resolve("apache-beam"));
const { Reader, Writer } = fromSdk("protobufjs") as {
  Reader: new (bytes: Uint8Array) => Parameters<Coder<unknown>["decode"]>[0];
  Writer: new () => Parameters<Coder<unknown>["encode"]>[1];
};

const general = (): Coder<unknown> => globalRegistry().getCoder("beam:coder:genericobjectjs:v1");
const kv = (): Coder<unknown> =>
  globalRegistry().getCoder("beam:coder:kv:v1", undefined, groupKey(), general());
const groupKey = (): Coder<unknown> => globalRegistry().getCoder("beam-indexeddb:coder:group_key:v1");

function encode(coder: Coder<unknown>, element: unknown, context: Context): Uint8Array {
  const writer = new Writer();
  coder.encode(element, writer, context);
  return writer.finish();
}

const elements = [
  NaN,
  -0,
  2 ** 40,
  2n ** 64n,
  undefined,
  "",
  "x".repeat(300),
  { a: [new Date(1)] },
  new Uint8Array(1000),
];

describe.each([Context.wholeStream, Context.needsDelimiters])("in the context %s", (context) => {
  test("every element is read back, alone and behind others", () => {
    for (const element of elements) {
      expect(general().decode(new Reader(encode(general(), element, context)), context)).toEqual(element);
      const pair = { key: "k", value: element };
      expect(kv().decode(new Reader(encode(kv(), pair, context)), context)).toEqual(pair);
    }
  });

  test("length prefixes of runners are taken", () => {
    const coder = new LengthPrefixedCoder(general());
    for (const element of elements) {
      expect(coder.decode(new Reader(encode(coder, element, context)), context)).toEqual(element);
    }
  });
});

test("a stream of elements is read one by one", () => {
  const writer = new Writer();
  for (const element of elements) general().encode(element, writer, Context.needsDelimiters);
  const reader = new Reader(writer.finish());
  const read = elements.map(() => general().decode(reader, Context.needsDelimiters));
  expect(read).toEqual(elements);
  expect(reader.pos).toBe(reader.len);
});

test("an element that ends too early is an error", () => {
  const bytes = encode(general(), "hello", Context.needsDelimiters);
  expect(() =>
    general().decode(new Reader(bytes.subarray(0, bytes.length - 1)), Context.needsDelimiters),
  ).toThrow(RangeError);
});

test("decoded records and bytes do not hold on to the runner's message", () => {
  const record = SnapshotRecord.of({ store: "s", key: 1, value: "v" });
  for (const element of [record, new Uint8Array([1, 2, 3])]) {
    const message = Buffer.alloc(1 << 20);
    const bytes = encode(general(), element, Context.needsDelimiters);
    message.set(bytes, 512);
    const reader = new Reader(message);
    reader.pos = 512;
    const decoded = general().decode(reader, Context.needsDelimiters);
    message.fill(0);
    const kept = decoded instanceof SnapshotRecord ? decoded.keyBytes : (decoded as Uint8Array);
    expect(kept.buffer.byteLength).toBeLessThan(4096);
    expect(kept.buffer).not.toBe(message.buffer);
    expect(Object.getPrototypeOf(kept)).toBe(Uint8Array.prototype);
    if (decoded instanceof SnapshotRecord) expect(decoded.value).toBe("v");
    else expect([...kept]).toEqual([1, 2, 3]);
  }
});

test("keys lose order and -0, values keep them", () => {
  const coder = kv();
  const pair = { key: { b: -0, a: 1 }, value: { b: -0, a: 1 } };
  const copy = coder.decode(
    new Reader(encode(coder, pair, Context.wholeStream)),
    Context.wholeStream,
  ) as typeof pair;
  expect(Object.keys(copy.key)).toEqual(["a", "b"]);
  expect(copy.key.b).toBe(0);
  expect(Object.keys(copy.value)).toEqual(["b", "a"]);
  expect(copy.value.b).toBe(-0);
});

test("whatever groups has the group key coder on its keys, in the pipeline that runners get", () => {
  const pipeline = new Pipeline();
  const numbers = new Root(pipeline).apply(create([{ key: 1, value: 2 }]));
  numbers.apply(withName("a", groupBy("key")));
  numbers.apply(
    withName(
      "b",
      groupBy((x: { key: number }) => x.key).combining("value", (a: number, b: number) => a + b, "sum"),
    ),
  );
  numbers.apply(withName("c", groupByKey<number, number>()));
  (numbers as PCollection<unknown>).apply(withName("d", reshuffle()));
  const { coders } = pipeline.getProto().components!;
  const pairs = Object.values(coders).filter((coder) => coder.spec!.urn === "beam:coder:kv:v1");
  expect(pairs.length).toBeGreaterThan(0);
  for (const pair of pairs) {
    expect(coders[pair.componentCoderIds[0]!]!.spec!.urn).toBe("beam-indexeddb:coder:group_key:v1");
    expect(coders[pair.componentCoderIds[1]!]!.spec!.urn).not.toBe("beam-indexeddb:coder:group_key:v1");
  }
  expect(new KVCoder(new GeneralObjectCoder(), new GeneralObjectCoder()).keyCoder).toBeInstanceOf(
    GeneralObjectCoder,
  );
});
