import { ByteWriter } from "./byte-writer.js";
import { encodeOrigin, type Origin, sameOrigin, unknownOrigin } from "./origin.js";
import type { RecordFrame } from "./record.js";

/**
 * The raw payload of a records frame: the origins that its records name (those that are not the snapshot's own), then the records, one
 * after the other, in key order. A block can be read without anything else of the file.
 */
export class RecordBlockBuilder {
  private readonly records: ByteWriter;
  private origins: { readonly origin: Origin; readonly bytes: Uint8Array }[] = [];
  private originBytes = 0;
  count = 0;
  deleted = 0;
  firstKey: Uint8Array | undefined;
  lastKey: Uint8Array | undefined;

  constructor(capacity: number) {
    this.records = new ByteWriter(capacity + (capacity >> 1));
  }

  /** Bytes of the payload so far. */
  get length(): number {
    return this.records.position + this.originBytes + 1;
  }

  add(record: RecordFrame): void {
    const { records } = this;
    const { keyBytes, valueBytes, negativeZeros } = record;
    records.varint(
      (record.deleted === true ? 1 : 0) + (negativeZeros ? 2 : 0) + this.originNumber(record.origin) * 4,
    );
    if (negativeZeros) {
      records.varint(negativeZeros.length);
      for (const ordinal of negativeZeros) records.varint(ordinal);
    }
    records.varint(keyBytes.length);
    records.bytes(keyBytes);
    if (record.deleted === true) {
      this.deleted++;
    } else {
      records.varint(valueBytes!.length);
      records.bytes(valueBytes!);
    }
    this.firstKey ??= keyBytes.slice();
    this.lastKey = keyBytes;
    this.count++;
  }

  private originNumber(origin: Origin | undefined): number {
    // A record that no snapshot held before becomes this snapshot's own.
    if (!origin || sameOrigin(origin, unknownOrigin)) return 0;
    for (let i = this.origins.length - 1; i >= 0; i--)
      if (sameOrigin(this.origins[i]!.origin, origin)) return i + 1;
    const bytes = encodeOrigin(origin);
    this.originBytes += bytes.length + 2;
    return this.origins.push({ origin, bytes });
  }

  finish(): Uint8Array {
    const head = new ByteWriter(this.originBytes + 16);
    head.varint(this.origins.length);
    for (const { bytes } of this.origins) {
      head.varint(bytes.length);
      head.bytes(bytes);
    }
    const records = this.records.peek();
    const payload = new Uint8Array(head.position + records.length);
    payload.set(head.peek(), 0);
    payload.set(records, head.position);
    return payload;
  }

  reset(): void {
    this.records.reset();
    this.origins = [];
    this.originBytes = 0;
    this.count = 0;
    this.deleted = 0;
    this.firstKey = undefined;
    this.lastKey = undefined;
  }
}
