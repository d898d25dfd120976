import { Database, Footer, FrameHeader as FrameHeaderType, Header, Origin } from "./gen/messages.js";
import { malformed } from "./malformed.js";
import type { MessageType } from "./protobuf-runtime.js";

/**
 * The generated protobuf code with types. Decoding fails as SNAPSHOT_MALFORMED; unknown fields are passed over, so that later minor versions
 * can add some, and kept: a decoded message encodes to the bytes it came from.
 */
export interface KeyPathMessage {
  array?: boolean;
  parts?: Uint8Array[];
}

export interface IndexMessage {
  name?: Uint8Array;
  key_path?: KeyPathMessage | null;
  unique?: boolean;
  multi_entry?: boolean;
}

export interface ObjectStoreMessage {
  name?: Uint8Array;
  key_path?: KeyPathMessage | null;
  auto_increment?: boolean;
  current_number?: number;
  indexes?: IndexMessage[];
}

export interface DatabaseMessage {
  name?: Uint8Array;
  version?: number;
  object_stores?: ObjectStoreMessage[];
}

export interface HeaderMessage {
  database?: DatabaseMessage | null;
  device?: Uint8Array;
  captured_at?: number;
  sequence?: number;
  base?: Uint8Array;
  shard?: { set?: Uint8Array; index?: number; count?: number } | null;
  consistency?: number;
  created_by?: Uint8Array;
}

export interface OriginMessage {
  device?: Uint8Array;
  snapshot?: Uint8Array;
  captured_at?: number;
  sequence?: number;
}

export interface FrameHeader {
  stored_length: number;
  raw_length: number;
  compression: number;
  crc: number;
  store?: number;
  count?: number;
  deleted?: number;
  first_key?: Uint8Array;
  last_key?: Uint8Array;
  cut_keys?: number;
  sha256?: Uint8Array;
  offset?: number;
  size?: number;
}

export interface FrameEntryMessage {
  kind: number;
  offset: number;
  header: FrameHeader;
}

export interface FooterMessage {
  header?: HeaderMessage | null;
  frames?: FrameEntryMessage[];
  id?: Uint8Array;
  unportable?: { store?: Uint8Array; type?: Uint8Array; count?: number; policy?: Uint8Array }[];
}

/** A message as it comes from decoding: what its bytes leave out is at its default, which for a message is null. */
export type Decoded<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? Decoded<Item>[]
    : T extends object
      ? { [Name in keyof T]-?: Decoded<Exclude<T[Name], undefined>> }
      : T;

/** The type of the generated code and of its messages; `what` names it in the error. */
function codec<T extends object>(
  type: MessageType,
  what: string,
): { encode(message: T): Uint8Array; decode(bytes: Uint8Array): Decoded<T> } {
  return {
    encode: (message) => type.encode(message),
    decode(bytes) {
      try {
        return type.decode(bytes) as Decoded<T>;
      } catch (cause) {
        throw malformed(`The ${what} can't be read`, { cause });
      }
    },
  };
}

export const headerMessage = codec<HeaderMessage>(Header, "header");
export const originMessage = codec<OriginMessage>(Origin, "origin of a record");
export const frameHeaderMessage = codec<FrameHeader>(FrameHeaderType, "header of a frame");
export const footerMessage = codec<FooterMessage>(Footer, "footer");
export const databaseMessage = codec<DatabaseMessage>(Database, "database schema");
