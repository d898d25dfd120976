import { SnapshotError } from "./error.js";
import { type DatabaseSchema, encodeSchema, type ObjectStoreSchema } from "./schema.js";
import { compareKeyBytes } from "./key.js";

/**
 * One schema for the records of many devices: of the highest version, with the object stores that only older versions have, and the highest
 * position of each key generator. The order of the schemas does not matter.
 *
 * @param name Name of the resulting database; default that of the schemas.
 * @throws SnapshotError SNAPSHOT_SCHEMA_CONFLICT when two schemas of one version define a store differently; TypeError for an empty list.
 */
export function unionSchemas(schemas: readonly DatabaseSchema[], name?: string): DatabaseSchema {
  const sorted = [...schemas].sort(
    (a, b) => b.version - a.version || compareKeyBytes(encodeSchema(a), encodeSchema(b)),
  );
  const newest = sorted[0];
  if (!newest) throw new TypeError("unionSchemas needs at least one schema.");
  const stores = new Map<string, { store: ObjectStoreSchema; version: number }>();
  for (const schema of sorted) {
    for (const store of schema.objectStores) {
      const known = stores.get(store.name);
      if (!known) stores.set(store.name, { store, version: schema.version });
      else known.store = combine(known.store, store, known.version === schema.version ? schema : undefined);
    }
  }
  return {
    name: name ?? newest.name,
    version: newest.version,
    objectStores: [...stores.values()].map(({ store }) => store),
  };
}

function combine(
  newer: ObjectStoreSchema,
  older: ObjectStoreSchema,
  sameVersion: DatabaseSchema | undefined,
): ObjectStoreSchema {
  if (sameVersion && definition(newer) !== definition(older)) {
    throw new SnapshotError(
      "SNAPSHOT_SCHEMA_CONFLICT",
      `Object store ${JSON.stringify(newer.name)} of ${JSON.stringify(sameVersion.name)} is defined in two ways within version ${sameVersion.version}. Give the schema to write: the option schema.`,
      { store: newer.name },
    );
  }
  const current = Math.max(newer.keyGenerator?.currentNumber ?? 0, older.keyGenerator?.currentNumber ?? 0);
  return newer.autoIncrement && current > 0 ? { ...newer, keyGenerator: { currentNumber: current } } : newer;
}

/** The order in which indexes were created is no difference. */
function definition({ keyPath, autoIncrement, indexes }: ObjectStoreSchema): string {
  const sorted = indexes
    .map(({ name, keyPath: path, unique, multiEntry }) => JSON.stringify([name, path, unique, multiEntry]))
    .sort();
  return JSON.stringify([keyPath, autoIncrement, sorted]);
}
