import { deserialize, serialize } from "node:v8";
import { decodeValue, encodeValue } from "beam-indexeddb/snapshot";
import { deserialize as bsonDecode, serialize as bsonEncode } from "bson";
import { Encoder } from "cbor-x";
import { Packr } from "msgpackr";

/** A way to turn a value into bytes and back. */
export interface Codec {
  readonly name: string;
  encode(value: object): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** Names that the targets refer to. */
export const own = "beam-indexeddb";
export const withRecords = "msgpackr, records";
export const withoutRecords = "msgpackr, no records";

/**
 * The codecs to compare. msgpackr and cbor-x are set to keep cycles and types (`structuredClone`), as ours always does; `plain` is msgpackr without that,
 * to see what that costs.
 */
export function makeCodecs(): readonly Codec[] {
  const records = new Packr({ structures: [], structuredClone: true });
  const noRecords = new Packr({ useRecords: false, structuredClone: true, moreTypes: true });
  const plain = new Packr({ structures: [] });
  const cbor = new Encoder({ structures: [], structuredClone: true });
  const cborNoRecords = new Encoder({ useRecords: false, structuredClone: true });
  return [
    { name: own, encode: (value) => encodeValue(value), decode: (bytes) => decodeValue(bytes) },
    { name: "JSON", encode: jsonEncode, decode: jsonDecode },
    {
      name: "v8.serialize",
      encode: (value) => serialize(value),
      decode: (bytes) => deserialize(bytes) as unknown,
    },
    {
      name: withRecords,
      encode: (value) => records.pack(value),
      decode: (bytes) => records.unpack(bytes) as unknown,
    },
    {
      name: withoutRecords,
      encode: (value) => noRecords.pack(value),
      decode: (bytes) => noRecords.unpack(bytes) as unknown,
    },
    {
      name: "msgpackr, records, plain",
      encode: (value) => plain.pack(value),
      decode: (bytes) => plain.unpack(bytes) as unknown,
    },
    {
      name: "cbor-x, records",
      encode: (value) => cbor.encode(value),
      decode: (bytes) => cbor.decode(bytes) as unknown,
    },
    {
      name: "cbor-x, no records",
      encode: (value) => cborNoRecords.encode(value),
      decode: (bytes) => cborNoRecords.decode(bytes) as unknown,
    },
    { name: "bson", encode: (value) => bsonEncode(value), decode: (bytes) => bsonDecode(bytes) },
  ];
}

/** JSON as it is, except that the bytes of the binary shape become base64: JSON has none. */
function jsonEncode(value: object): Uint8Array {
  const { data } = value as { readonly data?: Uint8Array };
  const text = data ? { ...value, data: Buffer.from(data.buffer).toString("base64") } : value;
  return Buffer.from(JSON.stringify(text));
}

function jsonDecode(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  const value = JSON.parse(text) as { readonly data?: string };
  return value.data === undefined ? value : { ...value, data: Buffer.from(value.data, "base64") };
}
