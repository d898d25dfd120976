/** An object: a bucket (or container) of a store, and a name in it. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly name: string;
}

/** What a store tells of an object. */
export interface ObjectInfo {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
  /** Generation or ETag: another one after every change. */
  readonly version: string;
  /** Whose work the object is, when it is of this package: each write has a token of its own, and a copy keeps it. Not told by lists. */
  readonly token?: string | undefined;
}

/** What a page of a list holds. */
export interface ObjectPage {
  readonly objects: readonly ObjectInfo[];
  /** Beginnings of names up to the next slash, when it was asked for. */
  readonly folders: readonly string[];
}

/** What must be at a place for a write to be done: nothing, or this version. */
export type Expected = { readonly absent: true } | { readonly version: string };

/** What is written along with an object. */
export interface PutOptions {
  readonly token: string;
  readonly expected?: Expected | undefined;
}

/** An object that is written in parts; nobody sees it before `finish`. */
export interface ObjectUpload {
  /** Bytes of each part but the last. */
  readonly partBytes: number;
  /** How many parts may be under way at a time. */
  readonly parallel: number;
  part(number: number, bytes: Uint8Array): Promise<void>;
  /** With the last part, which may be empty. */
  finish(number: number, bytes: Uint8Array): Promise<void>;
  abort(): Promise<void>;
}

/** What differs between stores. All retries are below it, all meaning above it. Errors are SnapshotErrors (FILE_...). */
export interface ObjectStore {
  readonly scheme: string;
  stat(place: ObjectPlace): Promise<ObjectInfo | undefined>;
  /** Of this version and no other. @throws SnapshotError FILE_READ_FAILED when there is another one now */
  read(place: ObjectPlace, version: string, start: number, end: number): Promise<Uint8Array>;
  /** All names that begin so, or with `delimited` only those without another slash behind that. */
  list(bucket: string, prefix: string, delimited: boolean): AsyncIterable<ObjectPage>;
  /** False when something else was there than expected. The new version otherwise. */
  put(place: ObjectPlace, bytes: Uint8Array, options: PutOptions): Promise<string | false>;
  startUpload(place: ObjectPlace, token: string): Promise<ObjectUpload>;
  /** False when something else was there than expected. @throws SnapshotError FILE_NOT_FOUND when the source is not there any more */
  copy(from: ObjectPlace, source: ObjectInfo, to: ObjectPlace, expected: Expected): Promise<boolean>;
  /** Nothing happens when it is not there, or has another version than the one given. */
  delete(place: ObjectPlace, version?: string): Promise<void>;
  deleteAll(bucket: string, names: readonly string[]): Promise<void>;
}
