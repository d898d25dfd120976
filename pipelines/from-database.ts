import type { Root } from "../beam/index.js";
import { readFromPostgres, type ReadFromPostgresOptions, writeToIndexedDB } from "../io/index.js";

/** What `fromDatabase` reads, and what becomes of it. */
export interface FromDatabaseOptions extends Pick<
  ReadFromPostgresOptions,
  "table" | "query" | "store" | "key" | "schema" | "as"
> {
  /** A PostgreSQL database: `postgres://user@host/database`, without a password (see `readFromPostgres`). */
  readonly source: string;
  /** Folder for the results; made when it is missing. */
  readonly output: string;
  /** Name of the IndexedDB database that the snapshot is of. */
  readonly database: string;
  /** Number of snapshot files; default 1. */
  readonly numShards?: number | undefined;
}

/**
 * Builds a snapshot of the rows of a table or query, `<output>/seed-SSSSS-of-NNNNN.idbsnap`, which `importDB` loads into browsers: to seed clients.
 * @throws TypeError for options that make no sense, when the pipeline is built; while it runs the errors of `readFromPostgres` and `writeToIndexedDB`
 * @example
 * await createRunner().run(
 *   fromDatabase({ source: "postgres://reader@db.example/app", table: "products", store: "products", key: "sku", database: "shop", output: "out" }),
 * );
 */
export function fromDatabase(options: FromDatabaseOptions): (root: Root) => void {
  const { source, output, numShards, ...read } = options;
  const folder = output.replace(/(.)\/+$/, "$1");
  return (root) => {
    root.apply(readFromPostgres(source, read)).apply(writeToIndexedDB(`${folder}/seed`, { numShards }));
  };
}
