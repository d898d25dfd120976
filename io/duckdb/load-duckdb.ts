import { createRequire } from "node:module";
import type * as duckdb from "@duckdb/node-api";
import { SnapshotError } from "../../snapshot/index.js";

/** The package, as it is when it is there. */
export type DuckdbModule = typeof duckdb;

/**
 * Loads DuckDB when it is used: 70 MB that most do not need.
 * @throws SnapshotError STORE_UNAVAILABLE with the command that installs it
 */
export function loadDuckdb(): DuckdbModule {
  try {
    // At run time, out of sight of bundlers: native code can't be part of the one file that workers are sent.
    return createRequire(import.meta.url)("@duckdb/node-api") as DuckdbModule;
  } catch (cause) {
    throw new SnapshotError(
      "STORE_UNAVAILABLE",
      `DuckDB could not be loaded (${cause instanceof Error ? cause.message.split("\n")[0] : String(cause)}). Install it beside beam-indexeddb: npm install @duckdb/node-api@1.5.6-r.1`,
      { cause },
    );
  }
}
