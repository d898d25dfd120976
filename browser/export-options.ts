import type { EnvironmentOptions } from "./environment.js";
import type { RecordSelection, StoreRecord, TransformedRecord } from "./record-selection.js";
import type { StagingMode } from "./staging.js";

/**
 * What happens to a record with something that cannot leave the device (a non-extractable CryptoKey, a file handle, an ImageBitmap):
 * "fail" ends the whole export or import, "placeholder" puts a description in its place, "skip" leaves the record out. The last two are
 * counted, in the snapshot's summary and in the result.
 */
export type UnportablePolicy = "fail" | "placeholder" | "skip";

/** Where the work runs: true = a dedicated worker or fail, false = here, a script or function = that worker. */
export type WorkerOption = boolean | string | URL | (() => Worker);

/** How far an export is. */
export interface ExportProgress {
  /** "read": inside the transaction. "write": compressing and streaming. "done": the stream is complete. */
  readonly phase: "read" | "write" | "done";
  /** Object store at work, "" before the first and after the last. */
  readonly store: string;
  /** Records so far in this phase, over all stores. */
  readonly records: number;
  /** Records that the chosen stores and ranges hold; 0 until they are counted. */
  readonly total: number;
  /** Bytes so far: encoded in "read", of the file in "write" and "done". */
  readonly bytes: number;
}

/** What `exportDB` takes, and how; every option has a default. */
export interface ExportOptions<Store extends string = string>
  extends EnvironmentOptions, RecordSelection<Store> {
  /** Takes a record or leaves it out. Runs inside the transaction, so it must be synchronous. Needs the export to run here. */
  readonly filter?: ((record: StoreRecord) => boolean) | undefined;
  /** Changes a record on its way out. Synchronous. A changed key must keep the ascending order, and an in-line key must agree with the value. */
  readonly transform?: ((record: StoreRecord) => TransformedRecord) | undefined;
  readonly onProgress?: ((progress: ExportProgress) => void) | undefined;
  /** Ends the export: the transaction is aborted, the stream errors with EXPORT_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Id of this device in the snapshot. Default: a random one, kept in the database "beam-indexeddb" of the origin. */
  readonly device?: string | undefined;
  /** Capture time in the snapshot. Default: now. */
  readonly capturedAt?: Date | number | undefined;
  /** Default "fail". */
  readonly onUnportable?: UnportablePolicy | undefined;
  /** Read the positions of key generators (by adds in transactions that are aborted; they wait for writers of those stores). Default true. */
  readonly keyGenerators?: boolean | undefined;
  /** Default: a worker, and here when none can be started or a function option needs it. */
  readonly worker?: WorkerOption | undefined;
  /** Where raw records wait until the transaction is over. Default "auto". */
  readonly staging?: StagingMode | undefined;
  /** Raw bytes per block of the file. Default 524,288. */
  readonly blockBytes?: number | undefined;
  /** Default "deflate"; blocks that do not shrink are stored as they are. */
  readonly compression?: "deflate" | "none" | undefined;
}
