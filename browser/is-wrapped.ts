/**
 * True for a connection that `openDB` of idb gave: its methods are not those of its prototype. Only the copy of idb that wrapped it can take
 * the wrapping off, so such a database is opened again by its name.
 */
export function isWrapped(db: object): boolean {
  const prototype = Object.getPrototypeOf(db) as { transaction?: unknown } | null;
  return (db as { transaction?: unknown }).transaction !== prototype?.transaction;
}
