import { SnapshotError, type SnapshotErrorCode, type SnapshotRecord } from "../snapshot/index.js";

/** What happens to a record or file that can't be read or written: the job fails, or it goes to the dead-letter output. */
export type ErrorTreatment = "fail" | "failedRecords";

/** What could not be read or written, and why: the element of every dead-letter output. Never holds a value. */
export interface FailedRecord {
  readonly file?: string | undefined;
  /** Byte offset in the file, where the fault was there. */
  readonly offset?: number | undefined;
  readonly store?: string | undefined;
  /** The key as text. */
  readonly key?: string | undefined;
  readonly error: { readonly code: SnapshotErrorCode; readonly message: string };
}

/**
 * The dead letter of an error.
 * @throws the error itself when it is none of ours: a fault in a program is not a fault in the data.
 */
export function failedRecord(
  record: SnapshotRecord | undefined,
  error: unknown,
  place: { readonly file?: string | undefined; readonly offset?: number | undefined } = {},
): FailedRecord {
  if (!(error instanceof SnapshotError)) throw error;
  const file = error.file ?? record?.source ?? place.file;
  const offset = error.offset ?? place.offset;
  const store = error.store ?? record?.store;
  const key = error.key ?? record?.describeKey();
  return {
    ...(file === undefined ? {} : { file }),
    ...(offset === undefined ? {} : { offset }),
    ...(store === undefined ? {} : { store }),
    ...(key === undefined ? {} : { key }),
    error: { code: error.code, message: error.message },
  };
}
