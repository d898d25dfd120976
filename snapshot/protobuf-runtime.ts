import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";

/**
 * As much of protobuf's wire format as messages.proto needs; gen/messages.ts is made of these parts. Kept this small because every page that
 * exports a database loads it.
 *
 * Encoding is deterministic: fields by number, fields at their default left out, then what was unknown when the message was decoded, byte for
 * byte. So a decoded message encodes to the bytes it came from, also when a later version wrote it with fields of its own. Decoding
 * checks every length against what is left before it is believed; messages nest as deep as the schema and no deeper.
 */
export interface FieldType {
  readonly wire: number;
  /** What a message has where the field is absent. */
  readonly empty: unknown;
  isEmpty(value: unknown): boolean;
  write(writer: ByteWriter, value: unknown): void;
  /** `known` is what the message has so far: a repeated occurrence of a nested message adds to it. */
  read(reader: ByteReader, known: unknown): unknown;
}

export interface MessageType extends FieldType {
  encode(message: object): Uint8Array;
  decode(bytes: Uint8Array): object;
}

type Field = readonly [name: string, type: FieldType, repeated?: true];
type Content = Record<string, unknown>;

const wires = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

export const bool: FieldType = {
  wire: wires.varint,
  empty: false,
  isEmpty: (value) => !value,
  write: (writer, value) => {
    writer.byte(value ? 1 : 0);
  },
  read: (reader) => reader.varint() > 0,
};

export const uint32: FieldType = {
  wire: wires.varint,
  empty: 0,
  isEmpty: (value) => !value,
  write: (writer, value) => {
    writer.varint((value as number) >>> 0);
  },
  read(reader) {
    const value = reader.varint();
    if (value >= 2 ** 32) throw reader.malformed("a number over 32 bits");
    return value;
  },
};

export const fixed32: FieldType = {
  wire: wires.fixed32,
  empty: 0,
  isEmpty: (value) => !value,
  write: (writer, value) => {
    writer.uint32(value as number);
  },
  read: (reader) => reader.uint32(),
};

export const double: FieldType = {
  wire: wires.fixed64,
  empty: 0,
  // -0 is not the default.
  isEmpty: (value) => Object.is(value, 0),
  write: (writer, value) => {
    writer.float64(value as number);
  },
  read: (reader) => reader.float64(),
};

export const bytes: FieldType = {
  wire: wires.delimited,
  empty: new Uint8Array(0),
  isEmpty: (value) => (value as Uint8Array).length === 0,
  write: (writer, value) => {
    writer.varint((value as Uint8Array).length);
    writer.bytes(value as Uint8Array);
  },
  read: (reader) => reader.take(reader.count()),
};

/** Fields of decoded messages that this version does not know, as they came. */
const unknownFields = new WeakMap<object, ByteWriter>();

/** The type of a message from its fields by number, which are those of messages.proto. */
export function message(fields: Readonly<Record<number, Field>>): MessageType {
  const inOrder = Object.entries(fields).map(([number, field]) => [Number(number), ...field] as const);
  const absent: Content = {};
  for (const [, name, type, repeated] of inOrder) if (!repeated) absent[name] = type.empty;

  function writeFields(writer: ByteWriter, content: Content): void {
    for (const [number, name, type, repeated] of inOrder) {
      const value = content[name];
      if (value === undefined || value === null || (!repeated && type.isEmpty(value))) continue;
      for (const one of repeated ? (value as readonly unknown[]) : [value]) {
        writer.varint(number * 8 + type.wire);
        type.write(writer, one);
      }
    }
    const unknown = unknownFields.get(content);
    if (unknown) writer.bytes(unknown.peek());
  }

  function readFields(reader: ByteReader, end: number, known?: unknown): Content {
    const content = (known ?? create()) as Content;
    while (reader.position < end) {
      const start = reader.position;
      const tag = reader.varint();
      const [name, type, repeated] = fields[Math.floor(tag / 8)] ?? [];
      if (name === undefined || type?.wire !== tag % 8) {
        skip(reader, tag);
        // Before they are kept: a field must not take what follows its message.
        if (reader.position <= end) keepUnknown(content, reader.bytes.subarray(start, reader.position));
      } else if (repeated) (content[name] as unknown[]).push(type.read(reader, undefined));
      else content[name] = type.read(reader, content[name]);
    }
    if (reader.position > end) throw reader.malformed("a field that ends after its message");
    return content;
  }

  function create(): Content {
    const content = Object.create(absent) as Content;
    for (const [, name, , repeated] of inOrder) if (repeated) content[name] = [];
    return content;
  }

  return {
    wire: wires.delimited,
    empty: null,
    isEmpty: () => false,
    write(writer, value) {
      const start = writer.position;
      writeFields(writer, value as Content);
      const content = writer.buffer.slice(start, writer.position);
      writer.position = start;
      writer.varint(content.length);
      writer.bytes(content);
    },
    read(reader, known) {
      const length = reader.count();
      return readFields(reader, reader.position + length, known);
    },
    encode(content) {
      const writer = new ByteWriter();
      writeFields(writer, content as Content);
      return writer.finish();
    },
    decode: (encoded) => readFields(new ByteReader(encoded), encoded.length),
  };
}

function keepUnknown(content: object, field: Uint8Array): void {
  let kept = unknownFields.get(content);
  if (!kept) unknownFields.set(content, (kept = new ByteWriter(16)));
  kept.bytes(field);
}

/** Passes over the value of a field. Groups, which proto3 does not have, are refused. */
function skip(reader: ByteReader, tag: number): void {
  if (tag < 8 || tag >= 2 ** 32) throw reader.malformed("a field number that protobuf does not have");
  switch (tag % 8) {
    case wires.varint:
      // May be longer than the numbers of this format: a negative one takes ten bytes.
      for (let length = 1; reader.byte() >= 0x80; length++)
        if (length === 10) throw reader.malformed("a varint over 64 bits");
      break;
    case wires.fixed64:
      reader.take(8);
      break;
    case wires.delimited:
      reader.take(reader.count());
      break;
    case wires.fixed32:
      reader.take(4);
      break;
    default:
      throw reader.malformed("a wire type that proto3 does not have");
  }
}
