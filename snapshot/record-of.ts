import type { SnapshotRecord } from "./record.js";

/** What idb's `DBSchema` says of one object store. */
export interface StoreTypes {
  readonly key: unknown;
  readonly value: unknown;
}

/** Names of the object stores of a schema; any text when there is no schema. An index signature, as `DBSchema` has, names none. */
export type StoreNamesOf<Schema> = unknown extends Schema
  ? string
  : keyof {
      [Name in keyof Schema as Name extends string ? (string extends Name ? never : Name) : never]: true;
    };

/**
 * The record of an object store of such a schema. Over several stores it is a union that `store` tells apart; without a schema it is
 * `SnapshotRecord`. The types are a promise of the program, not checked against the data: validate what comes from devices you do not know.
 * @example
 * const title = (record: RecordOf<NotesDB>) => (record.store === "notes" ? record.value.title : undefined);
 */
export type RecordOf<
  Schema,
  Name extends StoreNamesOf<Schema> = StoreNamesOf<Schema>,
> = unknown extends Schema
  ? SnapshotRecord
  : {
      [One in Name & keyof Schema]: Schema[One] extends StoreTypes
        ? SnapshotRecord<Schema[One]["value"], Schema[One]["key"]> & { readonly store: One }
        : never;
    }[Name & keyof Schema];
