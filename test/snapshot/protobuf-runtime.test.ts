import { readFileSync } from "node:fs";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import * as generated from "../../snapshot/gen/messages.js";
import { SnapshotError } from "../../snapshot/index.js";
import * as codecs from "../../snapshot/message-codec.js";

const proto = readFileSync(new URL("../../snapshot/messages.proto", import.meta.url), "utf8");
const reference = reflect(proto);
const names = Object.keys(generated) as (keyof typeof generated)[];

function reflect(text: string): protobuf.Namespace {
  const { root } = protobuf.parse(text, { keepCase: true });
  root.resolveAll();
  return root.lookup("beam_indexeddb") as protobuf.Namespace;
}

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  int64: fc.integer(),
  bool: fc.boolean(),
  bytes: fc.uint8Array({ maxLength: 200 }),
  double: fc.double({ noNaN: true }),
  fixed32: fc.integer({ min: 0, max: 0xffffffff }),
  uint32: fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffffffff })),
};

/** Content of a message as a caller gives it, any field left out or at its default. */
function contentOf(type: protobuf.Type): fc.Arbitrary<Record<string, unknown>> {
  const fields = type.fieldsArray.map((field): [string, fc.Arbitrary<unknown>] => {
    const { resolvedType } = field;
    const one = resolvedType instanceof protobuf.Type ? contentOf(resolvedType) : scalars[field.type]!;
    return [field.name, field.repeated ? fc.array(one, { maxLength: 3 }) : one];
  });
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
}

/** Everything that can be read from a decoded message, defaults included. */
function readable(type: protobuf.Type, message: Readonly<Record<string, unknown>>): unknown {
  return type.fieldsArray.map((field) => {
    const { resolvedType } = field;
    const plain = (value: unknown): unknown =>
      resolvedType instanceof protobuf.Type && value !== null
        ? readable(resolvedType, value as Record<string, unknown>)
        : value instanceof Uint8Array
          ? Array.from(value)
          : value;
    const value = message[field.name];
    return field.repeated ? (value as unknown[]).map(plain) : plain(value);
  });
}

/** protobufjs forgets what it does not know unless it is told otherwise. */
function decodeAll(type: protobuf.Type, input: Uint8Array): protobuf.Message & Record<string, unknown> {
  const reader = protobuf.Reader.create(input);
  reader.discardUnknown = false;
  return type.decode(reader);
}

function bytesOf(type: protobuf.Type, content: object): Uint8Array {
  return Uint8Array.from(type.encode(content).finish());
}

const pairs = names.map((name) => ({
  name,
  ours: generated[name],
  theirs: reference.lookupType(name),
}));

describe("messages, held against protobufjs reading messages.proto", () => {
  test("are all generated", () => {
    expect(names.toSorted()).toEqual(reference.nestedArray.map(({ name }) => name).toSorted());
  });

  test.each(pairs)("$name has the same bytes and reads the same, both ways", ({ ours, theirs }) => {
    fc.assert(
      fc.property(contentOf(theirs), (content) => {
        const encoded = ours.encode(content);
        expect(encoded).toEqual(bytesOf(theirs, content));
        const decoded = ours.decode(encoded) as Record<string, unknown>;
        expect(readable(theirs, decoded)).toEqual(readable(theirs, decodeAll(theirs, encoded)));
        expect(ours.encode(decoded)).toEqual(encoded);
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  test.each(pairs)(
    "$name is refused or read as protobufjs reads it, whatever the bytes",
    ({ ours, theirs }) => {
      const altered = fc
        .tuple(contentOf(theirs), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
        .map(([content, changes]) => {
          const encoded = bytesOf(theirs, content);
          for (const [at, byte] of changes) if (encoded.length > 0) encoded[at % encoded.length] = byte;
          return encoded;
        });
      fc.assert(
        fc.property(fc.oneof(altered, fc.uint8Array({ maxLength: 40 })), (input) => {
          let decoded: Record<string, unknown>;
          try {
            decoded = ours.decode(input) as Record<string, unknown>;
          } catch (error) {
            expect(error).toBeInstanceOf(SnapshotError);
            return;
          }
          const expected = decodeAll(theirs, input);
          expect(readable(theirs, decoded)).toEqual(readable(theirs, expected));
          expect(ours.encode(decoded)).toEqual(bytesOf(theirs, expected));
        }),
        { seed: 2, numRuns: 500 },
      );
    },
  );
});

describe("fields of a later version", () => {
  /** Every message with a number, bytes, a message and 64 bits more. */
  const later = reflect(
    proto.replace(
      /^message (\w+) \{$/gm,
      "message Later$1 { bytes x = 1; }\n$&\nint64 n = 20; bytes b = 200; Later$1 m = 2000; repeated double d = 20000;",
    ),
  );

  test.each(pairs)("$name keeps them, at every level, byte for byte", ({ name, ours, theirs }) => {
    const type = later.lookupType(name);
    fc.assert(
      fc.property(contentOf(type), (content) => {
        const encoded = bytesOf(type, content);
        const decoded = ours.decode(encoded) as Record<string, unknown>;
        expect(readable(theirs, decoded)).toEqual(readable(theirs, decodeAll(theirs, encoded)));
        expect(ours.encode(decoded)).toEqual(encoded);
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  test("are no properties of the message and stay out of copies", () => {
    const message = codecs.frameHeaderMessage.decode(
      Uint8Array.of(0x28, 7, 0xa0, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
    );
    expect(Object.keys(message)).toEqual(["store"]);
    expect(codecs.frameHeaderMessage.encode(message)).toHaveLength(14);
    expect(codecs.frameHeaderMessage.encode({ ...message })).toEqual(Uint8Array.of(0x28, 7));
  });
});

describe("malformed messages", () => {
  const inputs: readonly (readonly [what: string, ...bytes: number[]])[] = [
    ["a field without its value", 0x28],
    ["a number that does not end", 0x28, 0xff, 0xff, 0xff],
    ["a number in more bytes than it needs", 0x28, 0x81, 0x00],
    ["a number over 32 bits", 0x28, 0x80, 0x80, 0x80, 0x80, 0x10],
    ["a number over 64 bits", 0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ["bytes beyond the end", 0x42, 5, 1, 2],
    ["bytes of a length over 2^53", 0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ["half a double", 0x09, 0, 0, 0, 0],
    ["half a fixed32", 0x25, 0, 0],
    ["field number 0", 0x02, 0],
    ["a field number over 2^29", 0x80, 0x80, 0x80, 0x80, 0x10, 0],
    ["a group", 0xa3, 0x01, 0xa4, 0x01],
    ["the end of a group", 0xa4, 0x01],
    ["wire type 6", 0xa6, 0x01],
    ["wire type 7", 0xa7, 0x01],
    ["an unknown number over 64 bits", 0xa0, 0x01, ...Array<number>(10).fill(0xff), 0x01],
    ["unknown bytes beyond the end", 0xa2, 0x01, 0x7f, 0],
  ];

  test.each(inputs)("with %s are refused", (_, ...bytes) => {
    expect(() => codecs.frameHeaderMessage.decode(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ name: "SnapshotError", code: "SNAPSHOT_MALFORMED" }),
    );
  });

  test.each([
    ["a known field", 0x1a, 2, 0x08, 0x80, 0x01],
    ["an unknown field", 0x1a, 2, 0xa2, 0x01, 0x00],
    ["a double", 0x1a, 1, 0x11, 0, 0, 0, 0, 0, 0, 0, 0],
  ])("whose nested message ends inside %s are refused", (_, ...bytes) => {
    expect(() => generated.FrameEntry.decode(Uint8Array.from(bytes))).toThrow(SnapshotError);
  });

  test.each(Object.entries(codecs).filter(([, codec]) => typeof codec === "object"))(
    "never make %s throw anything but a SnapshotError",
    (_, codec) => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (input) => {
          try {
            codec.decode(input);
          } catch (error) {
            expect(error).toMatchObject({ name: "SnapshotError", code: "SNAPSHOT_MALFORMED" });
          }
        }),
        { seed: 4, numRuns: 2000 },
      );
    },
  );

  test("cost memory and time in proportion to their bytes", () => {
    // A known and an unknown field in turn: each unknown one is appended to what is kept.
    const fields = 1_000_000;
    const input = new Uint8Array(fields * 5);
    for (let at = 0; at < input.length; at += 5) input.set([0x28, 1, 0xa0, 0x01, 1], at);
    const message = codecs.frameHeaderMessage.decode(input);
    expect(codecs.frameHeaderMessage.encode(message)).toHaveLength(2 + 3 * fields);
  });
});
