/**
 * The coder that the SDK gives to elements by default, beside the exact one that takes its place when beam-indexeddb is loaded. A module of
 * its own: workers load it by its name.
 */
import "beam-indexeddb/beam";
import { type Coder, type Context, globalRegistry, type ProtoContext } from "apache-beam/coders/coders";
import { GeneralObjectCoder } from "apache-beam/coders/js_coders";

const urn = "beam-indexeddb:bench:stock_coder:v1";

/** Wraps it and does not extend it: a general coder would be replaced where the pipeline is written. */
export class StockCoder implements Coder<unknown> {
  private readonly coder = new GeneralObjectCoder<unknown>();

  encode(element: unknown, writer: Parameters<Coder<unknown>["encode"]>[1], context: Context): void {
    this.coder.encode(element, writer, context);
  }

  decode(reader: Parameters<Coder<unknown>["decode"]>[0], context: Context): unknown {
    return this.coder.decode(reader, context);
  }

  toProto(_context: ProtoContext): ReturnType<Coder<unknown>["toProto"]> {
    return { spec: { urn, payload: new Uint8Array() }, componentCoderIds: [] };
  }
}

globalRegistry().register(urn, StockCoder);
