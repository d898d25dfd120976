import { ByteReader } from "./byte-reader.js";
import { flags } from "./value-tags.js";

/** An attachment that a value refers to, and where its hash stands in the value's bytes. */
export interface ValueAttachment {
  readonly sha256: Uint8Array;
  readonly size: number;
  /** Offset of the 32 hash bytes. */
  readonly offset: number;
}

/** The attachments a value refers to, without decoding the value. */
export function valueAttachments(bytes: Uint8Array): readonly ValueAttachment[] {
  const first = bytes[0];
  if (first === undefined || (first & flags.attachments) === 0) return [];
  return readAttachments(new ByteReader(bytes, 1));
}

/** Puts the hash of attachment number `index` in place, when it is known only after the value was encoded. */
export function setValueAttachmentHash(bytes: Uint8Array, index: number, sha256: Uint8Array): void {
  const attachment = valueAttachments(bytes)[index];
  if (!attachment) throw new TypeError(`The value has no attachment ${index}.`);
  if (sha256.length !== 32) throw new TypeError("A SHA-256 hash has 32 bytes.");
  bytes.set(sha256, attachment.offset);
}

/** The list that stands at the reader's place. */
export function readAttachments(reader: ByteReader): ValueAttachment[] {
  const count = reader.count(33);
  if (count === 0) throw reader.malformed("an empty list of attachments");
  return Array.from({ length: count }, () => {
    const offset = reader.position;
    return { offset, sha256: reader.take(32), size: reader.varint() };
  });
}
