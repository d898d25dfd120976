/**
 * The project's element codec in the place of the SDK's general coder, which turns 2^40 into 0, NaN into 0, a Map into an object, drops
 * undefined and BigInt, and groups {a, b} apart from {b, a}.
 *
 * Two coders: `ValueCoder` under the SDK's own name, so that every PCollection has it without being asked; `GroupKeyCoder` for the key half
 * of key-value pairs, whose bytes are what runners group by. The key coder is put in where a KV coder is written into the pipeline, and
 * from there every reader finds it: the direct runner's grouping, the combiner's pre-grouping, and any portable runner.
 */
import "./node-compatibility.js";
import "apache-beam";
import {
  type Coder,
  Context,
  globalRegistry,
  type HackedWriter,
  type ProtoContext,
} from "apache-beam/coders/coders";
import { GeneralObjectCoder } from "apache-beam/coders/js_coders";
import { KVCoder } from "apache-beam/coders/required_coders";
import { VarIntCoder } from "apache-beam/coders/standard_coders";
import { decodeElement, elementBytes, groupKeyBytes } from "./element-codec.js";

type Writer = Parameters<Coder<unknown>["encode"]>[1];
type Reader = Parameters<Coder<unknown>["decode"]>[0];
type CoderProto = ReturnType<Coder<unknown>["toProto"]>;

const generalUrn = (GeneralObjectCoder as unknown as { URN: string }).URN;
const groupKeyUrn = "beam-indexeddb:coder:group_key:v1";

/** Any element, exactly. */
export class ValueCoder implements Coder<unknown> {
  encode(element: unknown, writer: Writer, context: Context): void {
    writeBytes(elementBytes(element), writer, context);
  }

  decode(reader: Reader, context: Context): unknown {
    return decodeElement(readBytes(reader, context));
  }

  toProto(_context: ProtoContext): CoderProto {
    return coderProto(generalUrn);
  }
}

/** Keys of groups: equal values have equal bytes. What comes back is the key in canonical form, properties sorted and -0 as 0. */
export class GroupKeyCoder implements Coder<unknown> {
  encode(key: unknown, writer: Writer, context: Context): void {
    writeBytes(groupKeyBytes(key), writer, context);
  }

  decode(reader: Reader, context: Context): unknown {
    return decodeElement(readBytes(reader, context));
  }

  toProto(_context: ProtoContext): CoderProto {
    return coderProto(groupKeyUrn);
  }
}

/** Key-value pairs whose keys group by content. */
export function keyValueCoder(): KVCoder<unknown, unknown> {
  return new KVCoder(new GroupKeyCoder(), new ValueCoder());
}

function coderProto(urn: string): CoderProto {
  return { spec: { urn, payload: new Uint8Array() }, componentCoderIds: [] };
}

function writeBytes(bytes: Uint8Array, writer: Writer, context: Context): void {
  if (context === Context.wholeStream) (writer as HackedWriter)._push?.(copyInto, bytes.length, bytes);
  else writer.bytes(bytes);
}

function copyInto(bytes: Uint8Array, buffer: Uint8Array, position: number): void {
  buffer.set(bytes, position);
}

/** A copy: the reader's own bytes are a view of a whole message of the runner, which a kept record would keep alive. */
function readBytes(reader: Reader, context: Context): Uint8Array {
  const end = context === Context.wholeStream ? reader.len : reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError("The runner's message ends inside an element.");
  const bytes = Uint8Array.prototype.slice.call(reader.buf, reader.pos, end);
  reader.pos = end;
  // A Buffer's prototype survives slice(), and decoded values must hold plain Uint8Arrays.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

globalRegistry().register(generalUrn, ValueCoder);
globalRegistry().register(groupKeyUrn, GroupKeyCoder);

const isGeneral = (coder: unknown): boolean =>
  coder instanceof GeneralObjectCoder || coder instanceof ValueCoder;

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own receiver below
const stockToProto = KVCoder.prototype.toProto;
KVCoder.prototype.toProto = function (this: KVCoder<unknown, unknown>, context: ProtoContext): CoderProto {
  return stockToProto.call(
    isGeneral(this.keyCoder) ? new KVCoder(new GroupKeyCoder(), this.valueCoder) : this,
    context,
  );
};

// Whole numbers of the SDK's own (counts, metrics) are 64 bits wide in Beam's model; the stock coder cuts them to 32.
VarIntCoder.prototype.encode = function (element: number, writer: Writer): void {
  writer.int64(element);
};
VarIntCoder.prototype.decode = function (reader: Reader): number {
  return Number(reader.int64());
};
