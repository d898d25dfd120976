import { SnapshotError } from "./error.js";
import {
  type DatabaseMessage,
  type Decoded,
  databaseMessage,
  type IndexMessage,
  type KeyPathMessage,
  type ObjectStoreMessage,
} from "./message-codec.js";
import { malformed } from "./malformed.js";
import { decodeText, encodeText } from "./text.js";

/** A database as IndexedDB defines it: everything that is needed to create it again. */
export interface DatabaseSchema {
  readonly name: string;
  /** The database's version, 1 to 2^53 - 1. */
  readonly version: number;
  readonly objectStores: readonly ObjectStoreSchema[];
}

/** An object store as `createObjectStore` made it. */
export interface ObjectStoreSchema {
  readonly name: string;
  /** null for out-of-line keys. A string and an array with that one string are two different things. */
  readonly keyPath: null | string | readonly string[];
  readonly autoIncrement: boolean;
  /** The number that the key generator gives next, where it could be had. */
  readonly keyGenerator?: { readonly currentNumber: number } | undefined;
  readonly indexes: readonly IndexSchema[];
}

/** An index as `createIndex` made it. */
export interface IndexSchema {
  readonly name: string;
  readonly keyPath: string | readonly string[];
  readonly unique: boolean;
  readonly multiEntry: boolean;
}

/** More object stores or indexes than any browser creates in reasonable time; a bound for what a file may announce. */
const maxStores = 10_000;
const maxIndexes = 10_000;

/** The object store of this name, undefined when the schema has none. */
export function objectStoreOf(schema: DatabaseSchema, name: string): ObjectStoreSchema | undefined {
  return schema.objectStores.find((store) => store.name === name);
}

/** A schema as bytes, for example inside a pipeline; `decodeSchema` reads it. Equal schemas have equal bytes. */
export function encodeSchema(schema: DatabaseSchema): Uint8Array {
  return databaseMessage.encode(schemaToMessage(schema));
}

/** The schema that `encodeSchema` wrote. @throws SnapshotError SNAPSHOT_MALFORMED */
export function decodeSchema(bytes: Uint8Array): DatabaseSchema {
  return schemaFromMessage(databaseMessage.decode(bytes));
}

/**
 * @throws TypeError for a schema that no database can have, SnapshotError SNAPSHOT_LIMIT_EXCEEDED for one with more stores or indexes than readers accept: what
 *   is written can be read.
 */
export function schemaToMessage(schema: DatabaseSchema): DatabaseMessage {
  checkSchema(
    schema,
    (what) => new TypeError(`The schema has ${what}, which no database can have.`),
    (what) =>
      new SnapshotError("SNAPSHOT_LIMIT_EXCEEDED", `The schema has ${what}; a snapshot holds at most 10000.`),
  );
  return {
    name: encodeText(schema.name),
    version: schema.version,
    object_stores: schema.objectStores.map((store): ObjectStoreMessage => ({
      name: encodeText(store.name),
      key_path: keyPathToMessage(store.keyPath),
      auto_increment: store.autoIncrement,
      current_number: store.keyGenerator?.currentNumber ?? 0,
      indexes: store.indexes.map((index): IndexMessage => ({
        name: encodeText(index.name),
        key_path: keyPathToMessage(index.keyPath),
        unique: index.unique,
        multi_entry: index.multiEntry,
      })),
    })),
  };
}

/** @throws SnapshotError SNAPSHOT_MALFORMED for a schema that no database can have. */
export function schemaFromMessage(message: Decoded<DatabaseMessage>): DatabaseSchema {
  const schema: DatabaseSchema = {
    name: text(message.name, "the database's name"),
    version: message.version,
    objectStores: message.object_stores.map(storeFromMessage),
  };
  checkSchema(schema, fault, fault);
  return schema;
}

function checkSchema(
  { version, objectStores }: DatabaseSchema,
  unfit: (what: string) => Error,
  limit: (what: string) => Error,
): void {
  if (!Number.isSafeInteger(version) || version < 0) throw unfit(`the database version ${version}`);
  if (objectStores.length > maxStores) throw limit(`${objectStores.length} object stores`);
  unique(objectStores, "object store", unfit);
  for (const { indexes, keyGenerator } of objectStores) {
    if (indexes.length > maxIndexes) throw limit(`${indexes.length} indexes`);
    unique(indexes, "index", unfit);
    const current = keyGenerator?.currentNumber ?? 1;
    if (!Number.isInteger(current) || current < 1 || current > 2 ** 53)
      throw unfit(`the key generator position ${current}`);
  }
}

function storeFromMessage(message: Decoded<ObjectStoreMessage>): ObjectStoreSchema {
  const current = message.current_number;
  return {
    name: text(message.name, "an object store's name"),
    keyPath: message.key_path ? keyPathFromMessage(message.key_path) : null,
    autoIncrement: message.auto_increment,
    ...(current === 0 ? {} : { keyGenerator: { currentNumber: current } }),
    indexes: message.indexes.map((index) => ({
      name: text(index.name, "an index's name"),
      keyPath: keyPathFromMessage(index.key_path),
      unique: index.unique,
      multiEntry: index.multi_entry,
    })),
  };
}

function keyPathToMessage(keyPath: null | string | readonly string[]): KeyPathMessage | null {
  if (keyPath === null) return null;
  return typeof keyPath === "string"
    ? { parts: [encodeText(keyPath)] }
    : { array: true, parts: keyPath.map(encodeText) };
}

function keyPathFromMessage(message: Decoded<KeyPathMessage> | null): string | readonly string[] {
  const parts = message?.parts.map((part) => text(part, "a keyPath")) ?? [];
  if (message?.array) {
    if (parts.length === 0) throw fault("an empty keyPath array");
    return parts;
  }
  if (parts.length !== 1) throw fault("a keyPath without its path");
  return parts[0]!;
}

function text(bytes: Uint8Array, what: string): string {
  const result = decodeText(bytes);
  if (result === undefined) throw fault(`${what} that is no valid text`);
  return result;
}

function unique(
  named: readonly { readonly name: string }[],
  what: string,
  unfit: (what: string) => Error,
): void {
  const seen = new Set<string>();
  for (const { name } of named) {
    if (seen.has(name)) throw unfit(`the ${what} ${JSON.stringify(name)} twice`);
    seen.add(name);
  }
}

function fault(what: string): SnapshotError {
  return malformed(`The schema has ${what}, which no database can have`);
}
