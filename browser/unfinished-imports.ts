import { requested } from "./request.js";
import { type UnfinishedImport, withStore } from "./side-database.js";

/**
 * Imports that something cut off. Call `importDB` again with the same file to finish one: what is there already is not a conflict.
 * @example for (const { database } of await unfinishedImports()) askForTheFileAgain(database);
 */
export async function unfinishedImports(
  options: { readonly indexedDB?: IDBFactory | undefined } = {},
): Promise<UnfinishedImport[]> {
  return withStore(
    options.indexedDB ?? globalThis.indexedDB,
    "imports",
    (store) => requested(store.getAll()) as Promise<UnfinishedImport[]>,
  );
}
