import type * as pg from "pg";
import { SnapshotError } from "../../snapshot/index.js";

/** The part of the package pg that is used. */
export type Pg = Pick<typeof pg, "Client">;

/**
 * The package pg, an optional peer dependency, loaded when a connection is made.
 * @throws SnapshotError STORE_UNAVAILABLE when it is not installed.
 */
export async function loadPg(load: () => Promise<unknown> = importPg): Promise<Pg> {
  let module: { readonly default?: Pg } & Partial<Pg>;
  try {
    module = (await load()) as typeof module;
  } catch (cause) {
    throw new SnapshotError(
      "STORE_UNAVAILABLE",
      "PostgreSQL is reached through the package pg, which is not installed. Install it with: npm install pg@8",
      { cause },
    );
  }
  return module.default ?? (module as Pg);
}

function importPg(): Promise<unknown> {
  // With a handler right here a bundler takes the package when it is there, and goes on when it is not.
  return import("pg").catch((error: unknown) => {
    throw error;
  });
}
