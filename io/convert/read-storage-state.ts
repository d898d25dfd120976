import { type IndexSchema, type ObjectStoreSchema, SnapshotError, valueAt } from "../../snapshot/index.js";
import type { ForeignDatabase, ForeignRecord } from "./conversion.js";
import { IssueCounts } from "./issue-counts.js";
import { type JsonPart, jsonParts, type JsonPath } from "./json-parts.js";
import { reviveSerialized } from "./revive-serialized.js";

/** Which of the databases in a storage state. */
export interface StorageStateSelection {
  readonly origin?: string | undefined;
  readonly database?: string | undefined;
}

interface StateDatabase {
  readonly path: JsonPath;
  origin: string;
  name: string;
  version: number;
  readonly stores: Map<number, Record<string, unknown>>;
}

/**
 * A storage state that Playwright wrote with `indexedDB: true`. Its object stores come before their definitions, so it is read twice: first what there is, then the records.
 * @param open Opens the file; called twice.
 * @throws SnapshotError CONVERT_INVALID for a file that is not so, CONVERT_DATABASE_UNCLEAR when the selection fits no database or several
 */
export async function readStorageState(
  open: () => AsyncIterable<Uint8Array>,
  selection: StorageStateSelection,
): Promise<ForeignDatabase> {
  const chosen = choose(await databasesOf(open()), selection);
  const schemas = [...chosen.stores.entries()].sort(([a], [b]) => a - b).map(([, store]) => storeOf(store));
  const counts = new IssueCounts();
  return {
    format: "playwright-storage-state",
    origin: chosen.origin,
    schema: { name: chosen.name, version: chosen.version, objectStores: schemas },
    records: recordsOf(open(), chosen, schemas, counts),
    issues: () => [
      ...counts.issues({
        EMPTY_OBJECTS:
          "Records with an object without properties: Playwright writes Blobs, Files, DataViews, images and handles so.",
        INVALID_DATES: "Records with an invalid Date, which Playwright itself would restore as 1970.",
      }),
      ...schemas
        .filter(({ autoIncrement }) => autoIncrement)
        .map(({ name: store }) => ({
          code: "GENERATOR_POSITION_LOST" as const,
          store,
          message:
            "The position of the key generator is not in the file; an import goes on after the highest key that is there.",
        })),
      {
        code: "TYPES_LOST" as const,
        message:
          "The format cannot hold, and has silently changed where there was any: Blob, File, DataView, Float16Array, images, handles, holes in arrays, -0 and shared references among plain values, the buffer behind a view, the cause of an Error, own __proto__ properties.",
      },
    ],
  };
}

/** Everything but cookies, local storage and records. */
async function databasesOf(source: AsyncIterable<Uint8Array>): Promise<StateDatabase[]> {
  const databases = new Map<string, StateDatabase>();
  const origins = new Map<unknown, string>();
  for await (const { path, value } of jsonParts(source, isDefinition)) {
    if (path.length === 3) {
      if (path[2] === "origin") origins.set(path[1], String(value));
      continue;
    }
    const id = path.slice(0, 4).join(".");
    let database = databases.get(id);
    if (!database)
      databases.set(
        id,
        (database = { path: path.slice(0, 4), origin: "", name: "", version: 0, stores: new Map() }),
      );
    if (path[4] === "name") database.name = String(value);
    else if (path[4] === "version") database.version = Number(value);
    else if (path[4] === "stores") {
      const number = path[5] as number;
      const store = database.stores.get(number) ?? {};
      database.stores.set(number, store);
      store[String(path[6])] = value;
    }
  }
  for (const database of databases.values()) database.origin = origins.get(database.path[1]) ?? "";
  return [...databases.values()];
}

/** `origins.0.origin`, `origins.0.indexedDB.0.name`, `origins.0.indexedDB.0.stores.0.<anything but records>`. */
function isDefinition(path: JsonPath): boolean {
  if (path[0] !== "origins") return false;
  if (path.length === 3) return path[2] === "origin";
  if (path[2] !== "indexedDB") return false;
  if (path.length === 5) return path[4] !== "stores";
  return path.length === 7 && path[4] === "stores" && path[6] !== "records";
}

function choose(all: readonly StateDatabase[], { origin, database }: StorageStateSelection): StateDatabase {
  const fitting = all.filter(
    (one) =>
      (origin === undefined || one.origin === origin) && (database === undefined || one.name === database),
  );
  const [one, more] = fitting;
  if (one && !more) return one;
  const list = (all.length === 0 ? [] : fitting.length === 0 ? all : fitting)
    .slice(0, 20)
    .map((found) => `${JSON.stringify(found.name)} of ${found.origin}`)
    .join(", ");
  throw new SnapshotError(
    "CONVERT_DATABASE_UNCLEAR",
    all.length === 0
      ? "The storage state holds no IndexedDB database. Playwright leaves them out unless it is called with storageState({ indexedDB: true })."
      : `A snapshot holds one database, and ${one ? "several fit" : "none fits"}. Choose with database and origin (--database, --origin); there are: ${list}.`,
  );
}

function storeOf({
  name,
  keyPath,
  keyPathArray,
  autoIncrement,
  indexes,
}: Record<string, unknown>): ObjectStoreSchema {
  if (typeof name !== "string" || typeof autoIncrement !== "boolean" || !Array.isArray(indexes))
    throw invalid("an object store without name or indexes");
  return {
    name,
    keyPath: keyPathOf(keyPath, keyPathArray) ?? null,
    autoIncrement,
    indexes: (indexes as Record<string, unknown>[]).map(indexOf),
  };
}

function indexOf({ name, keyPath, keyPathArray, multiEntry, unique }: Record<string, unknown>): IndexSchema {
  const path = keyPathOf(keyPath, keyPathArray);
  if (typeof name !== "string" || path === undefined) throw invalid("an index without name or key path");
  return { name, keyPath: path, unique: unique === true, multiEntry: multiEntry === true };
}

function keyPathOf(one: unknown, list: unknown): string | readonly string[] | undefined {
  if (typeof one === "string") return one;
  if (!Array.isArray(list)) return undefined;
  if (!list.every((part) => typeof part === "string")) throw invalid("a key path that is none");
  return list;
}

async function* recordsOf(
  source: AsyncIterable<Uint8Array>,
  chosen: StateDatabase,
  schemas: readonly ObjectStoreSchema[],
  counts: IssueCounts,
): AsyncGenerator<ForeignRecord, void, undefined> {
  const { path: place } = chosen;
  const isRecord = (path: JsonPath) =>
    path.length === 8 &&
    path[6] === "records" &&
    path[4] === "stores" &&
    place.every((part, i) => path[i] === part);
  const numbers = [...chosen.stores.keys()].sort((a, b) => a - b);
  for await (const part of jsonParts(source, isRecord)) {
    const schema = schemas[numbers.indexOf(part.path[5] as number)];
    if (!schema) throw invalid("records of an object store that is not described");
    yield recordOf(part, schema, counts);
  }
}

function recordOf(
  { value: json }: JsonPart,
  { name: store, keyPath }: ObjectStoreSchema,
  counts: IssueCounts,
): ForeignRecord {
  if (typeof json !== "object" || json === null) throw invalid("a record that is none");
  const doubts = new Set<"EMPTY_OBJECTS" | "INVALID_DATES">();
  const listener = {
    onEmptyObject: () => void doubts.add("EMPTY_OBJECTS"),
    onInvalidDate: () => void doubts.add("INVALID_DATES"),
  };
  const field = (name: string, encoded: string): unknown =>
    Object.hasOwn(json, encoded)
      ? reviveSerialized((json as Record<string, unknown>)[encoded], listener)
      : (json as Record<string, unknown>)[name];
  const value = field("value", "valueEncoded");
  const key = keyPath === null ? field("key", "keyEncoded") : valueAt(value, keyPath);
  for (const code of doubts) counts.add(code, store);
  return { store, key, value };
}

function invalid(what: string): SnapshotError {
  return new SnapshotError(
    "CONVERT_INVALID",
    `The file has ${what}. It was altered, or not written by Playwright.`,
  );
}
