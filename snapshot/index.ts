/** The snapshot format: FORMAT.md is its contract. No Beam, no DOM, no `node:`. */
export {
  SnapshotError,
  type SnapshotErrorCode,
  snapshotErrorCodes,
  isSnapshotError,
  type ErrorPosition,
} from "./error.js";
export { type Key, encodeKey, compareKeys, compareKeyBytes, negativeZerosOf } from "./key.js";
export { decodeKey } from "./decode-key.js";
export { describeKey } from "./describe-key.js";
export {
  type KeyRange,
  type KeyBytesRange,
  encodeKeyRange,
  positionInRange,
  rangeTouches,
} from "./key-range.js";
export { encodeValue, type EncodeValueOptions } from "./encode-value.js";
export { decodeValue, type DecodeValueOptions } from "./decode-value.js";
export { setValueAttachmentHash, type ValueAttachment, valueAttachments } from "./value-attachments.js";
export { HostObject, UnsupportedView } from "./host-object.js";
export { SnapshotBlob } from "./snapshot-blob.js";
export { crc32 } from "./crc32.js";
export { createSha256, sha256, type Sha256 } from "./sha256.js";
export { toHex, fromHex } from "./hex.js";
export {
  type DatabaseSchema,
  type ObjectStoreSchema,
  type IndexSchema,
  objectStoreOf,
  encodeSchema,
  decodeSchema,
} from "./schema.js";
export { type Origin, unknownOrigin, sameOrigin } from "./origin.js";
export type { RecordOf, StoreNamesOf, StoreTypes } from "./record-of.js";
export { SnapshotRecord, type RecordFrame, encodeRecord, decodeRecord, equalBytes } from "./record.js";
export { type ByteSource, type ByteSink, bytesSource } from "./byte-source.js";
export { type Platform, webPlatform } from "./platform.js";
export { type SnapshotHeader, type Consistency } from "./header.js";
export { type SnapshotSummary, type StoreSummary, type UnportableCount } from "./summary.js";
export { SnapshotWriter, type SnapshotWriterOptions } from "./writer.js";
export { SnapshotReader } from "./reader.js";
export { type ReadOptions, type BlockInfo } from "./frame-reader.js";
export { type Attachment } from "./attachment.js";
export { recoverSnapshot, type RecoveredSnapshot, type LostRange } from "./recover.js";
export { unionSchemas } from "./union-schemas.js";
export { packageVersion } from "./package-version.js";
export { valueAt } from "./key-path.js";
export { recordTime, timeOf } from "./record-time.js";
export { compareVersions, recordVersion } from "./record-version.js";
