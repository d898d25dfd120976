import fc from "fast-check";
import { expect, test } from "vitest";
import { exportDB, importDB } from "../../browser/index.js";
import {
  bytesSource,
  type DatabaseSchema,
  decodeSchema,
  encodeSchema,
  SnapshotReader,
} from "../../snapshot/index.js";
import { arbitraryString } from "../snapshot/arbitrary-value.js";
import { collect, memoryIndexedDB, openDatabase } from "./memory-indexeddb.js";

const identifier = fc.constantFrom("id", "a", "b", "_x", "$", "größe", "constructor", "__proto__", "length");
const path = fc.oneof(
  identifier,
  fc.array(identifier, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(".")),
  fc.constant(""),
);
const keyPath = fc.oneof(path, fc.array(path, { minLength: 1, maxLength: 3 }));

const index = fc
  .record({ name: arbitraryString, keyPath, unique: fc.boolean(), multiEntry: fc.boolean() })
  .map(
    // A key path of several parts gives one key a record: databases refuse multiEntry there.
    (one) => ({ ...one, multiEntry: one.multiEntry && !Array.isArray(one.keyPath) }),
  );

const store = fc
  .record({
    name: arbitraryString,
    keyPath: fc.option(keyPath, { nil: null }),
    autoIncrement: fc.boolean(),
    indexes: fc.uniqueArray(index, { selector: ({ name }) => name, maxLength: 4 }),
  })
  .map((one) => ({
    ...one,
    // A generated number needs one place to go to.
    autoIncrement: one.autoIncrement && one.keyPath !== "" && !Array.isArray(one.keyPath),
  }));

const schema: fc.Arbitrary<DatabaseSchema> = fc.record({
  name: arbitraryString,
  version: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(2 ** 31, 2 ** 53 - 1)),
  objectStores: fc.uniqueArray(store, { selector: ({ name }) => name, maxLength: 5 }),
});

test("random schemas come back from their bytes, and give the same bytes again", () => {
  fc.assert(
    fc.property(schema, (one) => {
      const bytes = encodeSchema(one);
      expect(decodeSchema(bytes)).toEqual(one);
      expect(encodeSchema(decodeSchema(bytes))).toEqual(bytes);
    }),
    { numRuns: 2000, seed: 31 },
  );
});

test("databases of random schemas are exported and imported with the same schema", async () => {
  await fc.assert(
    fc.asyncProperty(schema, async (one) => {
      const [from, to] = [memoryIndexedDB(), memoryIndexedDB()];
      const db = await openDatabase(from.indexedDB, one.name, one.version, (upgrading) => {
        for (const { name, keyPath: at, autoIncrement, indexes } of one.objectStores) {
          const made = upgrading.createObjectStore(name, {
            keyPath: at as string | string[] | null,
            autoIncrement,
          });
          for (const { name: indexName, keyPath: indexed, unique, multiEntry } of indexes)
            made.createIndex(indexName, indexed as string | string[], { unique, multiEntry });
        }
      });
      db.close();
      const bytes = await collect(exportDB(one.name, from));
      const reader = await SnapshotReader.open(bytesSource(bytes));
      expect(byName(reader.schema)).toEqual(byName(one));
      await importDB(bytes, to);
      const again = await SnapshotReader.open(bytesSource(await collect(exportDB(one.name, to))));
      expect(byName(again.schema)).toEqual(byName(one));
    }),
    { numRuns: 150, seed: 32 },
  );
});

/** IndexedDB sorts the names of stores and indexes; what a key generator starts with is left out. */
function byName({ name, version, objectStores }: DatabaseSchema): unknown {
  const sorted = <T extends { readonly name: string }>(list: readonly T[]): T[] =>
    [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    name,
    version,
    objectStores: sorted(objectStores).map(({ keyGenerator: _start, ...rest }) => ({
      ...rest,
      indexes: sorted(rest.indexes),
    })),
  };
}
