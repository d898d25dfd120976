import type { DBSchema, IDBPDatabase } from "idb";
import { describe, expectTypeOf, test } from "vitest";
import { type ExportOptions, type ImportResult, exportDB, importDB } from "../../browser/index.js";

interface Notes extends DBSchema {
  notes: { key: number; value: { id: number; text: string } };
  tags: { key: string; value: string };
}

describe("the types of export and import", () => {
  test("take store names from idb's schema", () => {
    type Options = NonNullable<Parameters<typeof exportDB<Notes>>[1]>;
    expectTypeOf<Options["stores"]>().toEqualTypeOf<readonly ("notes" | "tags")[] | undefined>();
    expectTypeOf<keyof NonNullable<Options["keyRanges"]>>().toEqualTypeOf<"notes" | "tags">();
    const call = (db: IDBPDatabase<Notes>) => {
      // @ts-expect-error: there is no such store
      void exportDB(db, { stores: ["note"] });
      return exportDB(db, { stores: ["notes"], keyRanges: { tags: { lower: "a" } } });
    };
    expectTypeOf(call).returns.toEqualTypeOf<ReadableStream<Uint8Array>>();
  });

  test("take any name for a native connection, an untyped one or the name of a database", () => {
    expectTypeOf<NonNullable<Parameters<typeof exportDB>[1]>>().toEqualTypeOf<ExportOptions>();
    const calls = (native: IDBDatabase, untyped: IDBPDatabase) => [
      exportDB(native, { stores: ["any"] }),
      exportDB(untyped, { stores: ["any"] }),
      exportDB("name", { stores: ["any"] }),
    ];
    expectTypeOf(calls).returns.toEqualTypeOf<ReadableStream<Uint8Array>[]>();
  });

  test("tell what an import did", () => {
    expectTypeOf(importDB).returns.resolves.toEqualTypeOf<ImportResult>();
  });
});
