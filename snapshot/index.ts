/** The snapshot format: FORMAT.md is its contract. No Beam, no DOM, no `node:`. */
export { SnapshotError, type SnapshotErrorCode, snapshotErrorCodes, isSnapshotError, type ErrorPosition } from "./error.js";
export { type Key, encodeKey, decodeKey, compareKeys, compareKeyBytes, negativeZerosOf, describeKey } from "./key.js";
export { type KeyRange, type KeyBytesRange, encodeKeyRange, positionInRange, rangeTouches } from "./key-range.js";
export { encodeValue, type EncodeValueOptions } from "./encode-value.js";
export { decodeValue, type DecodeValueOptions, valueAttachments, type ValueAttachment, setValueAttachmentHash } from "./decode-value.js";
export { HostObject, UnsupportedView } from "./host-object.js";
export { SnapshotBlob } from "./snapshot-blob.js";
export { crc32 } from "./crc32.js";
export { createSha256, sha256, type Sha256, toHex, fromHex } from "./sha256.js";
