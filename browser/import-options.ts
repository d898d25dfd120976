import type { EnvironmentOptions } from "./environment.js";
import type { UnportablePolicy, WorkerOption } from "./export-options.js";
import type { RecordSelection, StoreRecord, TransformedRecord } from "./record-selection.js";

/**
 * What happens when the database has another value under a record's key. An equal value is no conflict.
 * "fail": nothing is imported. "skip": the database's stays. "overwrite": the snapshot's is stored. "newer": whichever is newer by `newerBy`.
 */
export type ConflictPolicy = "fail" | "skip" | "overwrite" | "newer";

/** How far an import is. */
export interface ImportProgress {
  /** "receive": the stream is put aside. "check": the file is verified. "plan": conflicts are looked for. "import": records are written. */
  readonly phase: "receive" | "check" | "plan" | "import" | "done";
  /** Object store at work, "" between them. */
  readonly store: string;
  /** Records so far in this phase. */
  readonly records: number;
  /** Records that the file holds in the chosen stores; 0 until that is known. */
  readonly total: number;
  /** Bytes received in "receive", else bytes of values so far. */
  readonly bytes: number;
}

/** What `importDB` brings in, and how it meets what is there; every option has a default. */
export interface ImportOptions<Store extends string = string>
  extends EnvironmentOptions, RecordSelection<Store> {
  /** Name of the database to import into. Default: the one that was exported. */
  readonly into?: string | undefined;
  /**
   * Version that the database shall have. Default: that of the snapshot. A database of a lower version is upgraded: missing object stores
   * and indexes are created. "keep" takes an existing database as it is.
   */
  readonly version?: number | "keep" | undefined;
  /** Takes a record or leaves it out. May be asynchronous. Tombstones have the value undefined. */
  readonly filter?: ((record: StoreRecord) => boolean | Promise<boolean>) | undefined;
  /** Changes a record on its way in; an in-line key must agree with the value. May be asynchronous. Not called for tombstones. */
  readonly transform?: ((record: StoreRecord) => TransformedRecord | Promise<TransformedRecord>) | undefined;
  /** Default "fail". */
  readonly onConflict?: ConflictPolicy | undefined;
  /** For "newer": path to the value's time or revision: a number, a Date or an ISO 8601 text, as for `mergeDevices`; for example "updatedAt". */
  readonly newerBy?: string | undefined;
  /** For placeholders "fail" does nothing: they are stored as plain objects. For types that this browser cannot make: default "fail". */
  readonly onUnportable?: UnportablePolicy | undefined;
  /** Restore the positions of key generators. They are only ever moved forward. Default true. */
  readonly keyGenerators?: boolean | undefined;
  /** Read back what was written and compare, before each transaction commits. Default true. */
  readonly verify?: boolean | undefined;
  /** Check the file and count what would happen, but write nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Stops the import with IMPORT_ABORTED; what happens to what was written says `importDB`. */
  readonly signal?: AbortSignal | undefined;
  /** Default: a worker, and here when none can be started or a function option needs it. */
  readonly worker?: WorkerOption | undefined;
}

/** What became of the records of one object store. They add up to the records chosen from the file. */
export interface StoreImportResult {
  readonly name: string;
  /** Stored under keys that were free. */
  readonly added: number;
  /** Stored in place of another value. */
  readonly overwritten: number;
  /** Left out by the conflict policy: the database's value stayed. */
  readonly skipped: number;
  /** There already with the same value, or a tombstone of a record that is not there. */
  readonly unchanged: number;
  /** Deleted by tombstones. */
  readonly deleted: number;
  /** Left out by `filter`. */
  readonly filtered: number;
  /** Left out because they hold what this browser cannot make (`onUnportable: "skip"`). */
  readonly unportable: number;
}

/** What an import did, by object store. */
export interface ImportResult {
  /** Name of the database imported into. */
  readonly database: string;
  readonly version: number;
  /** Id of the snapshot. */
  readonly snapshot: string;
  /** Present when the file is one of several that only together are the whole: the others have to be imported as well. */
  readonly shard?: { readonly index: number; readonly count: number };
  /** The database did not exist before. */
  readonly created: boolean;
  /** An earlier import into this database had been cut off. */
  readonly resumed: boolean;
  readonly dryRun: boolean;
  readonly stores: readonly StoreImportResult[];
}
