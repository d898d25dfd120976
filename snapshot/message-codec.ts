import { SnapshotError } from "./error.js";
import { beam_indexeddb as generated } from "./gen/messages.js";

/**
 * The generated protobuf code with types. Decoding fails as SNAPSHOT_MALFORMED, never with an exception of the library's; unknown fields
 * are passed over, so that later minor versions can add some.
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

interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

const types = generated as unknown as {
  Header: MessageType<HeaderMessage>;
  Origin: MessageType<OriginMessage>;
  FrameHeader: MessageType<FrameHeader>;
  Footer: MessageType<FooterMessage>;
  Database: MessageType<DatabaseMessage>;
};

function codec<T>(
  name: keyof typeof types,
  what: string,
): { encode(message: T): Uint8Array; decode(bytes: Uint8Array): T } {
  const type = types[name] as unknown as MessageType<T>;
  return {
    // The writer may hand out Node's Buffer, out of a pool: a plain copy has no strangers' bytes behind it.
    encode: (message) => Uint8Array.from(type.encode(message).finish()),
    decode(bytes) {
      try {
        return type.decode(bytes);
      } catch (cause) {
        throw new SnapshotError(
          "SNAPSHOT_MALFORMED",
          `The ${what} can't be read. The file was damaged or not written by this format.`,
          { cause },
        );
      }
    },
  };
}

export const headerMessage = codec<HeaderMessage>("Header", "header");
export const originMessage = codec<OriginMessage>("Origin", "origin of a record");
export const frameHeaderMessage = codec<FrameHeader>("FrameHeader", "header of a frame");
export const footerMessage = codec<FooterMessage>("Footer", "footer");
export const databaseMessage = codec<DatabaseMessage>("Database", "database schema");
