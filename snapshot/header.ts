import type { SnapshotError } from "./error.js";
import { malformed } from "./malformed.js";
import type { Decoded, HeaderMessage } from "./message-codec.js";
import { type DatabaseSchema, schemaFromMessage, schemaToMessage } from "./schema.js";
import { fromHex, toHex } from "./hex.js";
import { decodeText, encodeText } from "./text.js";

/** What a snapshot says of itself before its records. */
export interface SnapshotHeader {
  readonly database: DatabaseSchema;
  readonly origin: {
    /** The device (browser profile); "" when unknown. */
    readonly device: string;
    /** Milliseconds since the epoch. */
    readonly capturedAt: number;
    /** 0 for a full snapshot, 1 and up for deltas. Default 0. */
    readonly sequence?: number | undefined;
  };
  /** Present in a delta: the id of the snapshot or delta that it follows. */
  readonly delta?: { readonly base: string } | undefined;
  /** Present in one of several files that only together are the result: the set's id, the file's place, how many there are. */
  readonly shard?: { readonly set: string; readonly index: number; readonly count: number } | undefined;
  /** What is one point in time: the whole database (default), each store for itself, or only each batch of records. */
  readonly consistency?: Consistency | undefined;
  /** The program that wrote the file. */
  readonly createdBy?: string | undefined;
}

/** What in a snapshot is one point in time. */
export type Consistency = (typeof consistencies)[number];
const consistencies = ["database", "store", "batch"] as const;

export function headerToMessage(header: SnapshotHeader): HeaderMessage {
  const { shard } = header;
  return {
    database: schemaToMessage(header.database),
    device: encodeText(header.origin.device),
    captured_at: header.origin.capturedAt,
    sequence: header.origin.sequence ?? 0,
    ...(header.delta ? { base: fromHex(header.delta.base) } : {}),
    ...(shard ? { shard: { set: encodeText(shard.set), index: shard.index, count: shard.count } } : {}),
    consistency: consistencies.indexOf(header.consistency ?? "database"),
    ...(header.createdBy === undefined ? {} : { created_by: encodeText(header.createdBy) }),
  };
}

export function headerFromMessage(message: Decoded<HeaderMessage>): SnapshotHeader {
  const consistency = consistencies[message.consistency];
  const { base, shard } = message;
  if (!message.database || consistency === undefined) throw fault("no schema or an unknown consistency");
  if (base.length > 0 && base.length !== 32) throw fault("a base that is no snapshot id");
  if (shard && shard.index >= shard.count) throw fault("a shard beyond its set");
  return {
    database: schemaFromMessage(message.database),
    origin: {
      device: text(message.device),
      capturedAt: message.captured_at,
      sequence: message.sequence,
    },
    ...(base.length > 0 ? { delta: { base: toHex(base) } } : {}),
    ...(shard ? { shard: { set: text(shard.set), index: shard.index, count: shard.count } } : {}),
    consistency,
    ...(message.created_by.length > 0 ? { createdBy: text(message.created_by) } : {}),
  };
}

function text(bytes: Uint8Array): string {
  if (bytes.length === 0) return "";
  const result = decodeText(bytes);
  if (result === undefined) throw fault("a text that is none");
  return result;
}

function fault(what: string): SnapshotError {
  return malformed(`The snapshot's header has ${what}`);
}
