/**
 * The one error type of the package. Code is stable and documented in docs/errors.md; position says where; the message says what
 * happened and what to do.
 */
export const snapshotErrorCodes = [
  // the file
  "SNAPSHOT_EMPTY",
  "SNAPSHOT_BAD_MAGIC",
  "SNAPSHOT_VERSION_UNSUPPORTED",
  "SNAPSHOT_TRUNCATED",
  "SNAPSHOT_CHECKSUM_MISMATCH",
  "SNAPSHOT_MALFORMED",
  "SNAPSHOT_LIMIT_EXCEEDED",
  "SNAPSHOT_VALUE_UNSUPPORTED",
  "SNAPSHOT_KEY_INVALID",
  "SNAPSHOT_KEY_ORDER",
  "SNAPSHOT_STORE_UNKNOWN",
  "SNAPSHOT_ATTACHMENT_MISSING",
  "SNAPSHOT_ATTACHMENT_MISMATCH",
  "SNAPSHOT_SHARD_SET_INCOMPLETE",
  "SNAPSHOT_DATABASE_MIXED",
  "SNAPSHOT_SCHEMA_MISSING",
  "SNAPSHOT_SCHEMA_CONFLICT",
  "SNAPSHOT_DUPLICATE_KEY",
  // the browser
  "EXPORT_INCOMPLETE",
  "EXPORT_ABORTED",
  "EXPORT_BUSY",
  "EXPORT_FAILED",
  "EXPORT_NEEDS_PAGE",
  "IMPORT_BLOCKED",
  "IMPORT_VERSION_LOWER",
  "IMPORT_CONFLICT",
  "IMPORT_QUOTA_EXCEEDED",
  "IMPORT_ABORTED",
  "IMPORT_VERIFY_FAILED",
  "IMPORT_SCHEMA_MISMATCH",
  // files and stores
  "FILE_NO_MATCH",
  "FILE_NOT_FOUND",
  "FILE_ACCESS_DENIED",
  "FILE_NOT_WRITABLE",
  "FILE_DISK_FULL",
  "FILE_READ_FAILED",
  "FILE_WRITE_FAILED",
  "STORE_CONSTRAINT",
  "STORE_UNAVAILABLE",
  "CONVERT_FORMAT_UNKNOWN",
  "CONVERT_INVALID",
  "CONVERT_DATABASE_UNCLEAR",
  // pipelines
  "BEAM_ELEMENT_UNSUPPORTED",
  "FUNCTION_NOT_PORTABLE",
  "RUNNER_UNSUPPORTED_FEATURE",
  "RUNNER_PROGRAM_MISSING",
  "RUNNER_SERVICE_FAILED",
  "RUNNER_ENDPOINT_UNREACHABLE",
  "RUNNER_JOB_FAILED",
  "RUNNER_JOB_CANCELLED",
  "RUNNER_TIMEOUT",
  "RUNNER_WORKER_DIED",
  "RUNNER_ARTIFACT_REFUSED",
  "RUNNER_MODULE_NOT_FOUND",
  "RUNNER_BUNDLE_FAILED",
  "RUNNER_BOOT_FAILED",
] as const;

/** One of the stable codes; docs/errors.md has a heading for each. */
export type SnapshotErrorCode = (typeof snapshotErrorCodes)[number];

/** Where something went wrong; every part is optional. `key` is printable text, never the value. */
export interface ErrorPosition {
  readonly file?: string | undefined;
  /** Byte offset in the file. */
  readonly offset?: number | undefined;
  readonly store?: string | undefined;
  readonly key?: string | undefined;
  readonly cause?: unknown;
}

/**
 * What goes wrong with data, files and stores, with a code that programs can rely on.
 *
 * @example
 * try { await SnapshotReader.open(source); } catch (error) { if (isSnapshotError(error, "SNAPSHOT_TRUNCATED")) offerRecovery(); }
 */
export class SnapshotError extends Error {
  readonly code: SnapshotErrorCode;
  readonly file: string | undefined;
  readonly offset: number | undefined;
  readonly store: string | undefined;
  readonly key: string | undefined;

  constructor(code: SnapshotErrorCode, message: string, position: ErrorPosition = {}) {
    super(message, position.cause === undefined ? undefined : { cause: position.cause });
    this.name = "SnapshotError";
    this.code = code;
    this.file = position.file;
    this.offset = position.offset;
    this.store = position.store;
    this.key = position.key;
  }
}

/** True for a SnapshotError (also one from another copy of the package), with this code when one is given. */
export function isSnapshotError(error: unknown, code?: SnapshotErrorCode): error is SnapshotError {
  if (!(error instanceof Error) || error.name !== "SnapshotError" || !("code" in error)) return false;
  return code === undefined || error.code === code;
}
