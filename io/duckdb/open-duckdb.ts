import { setTimeout as delay } from "node:timers/promises";
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { SnapshotError } from "../../snapshot/index.js";
import { makeFolderOf } from "../file/make-folder.js";
import { type DuckdbModule, loadDuckdb } from "./load-duckdb.js";

/** A connection to a database file, and what it takes to end it. */
export interface OpenDuckdb {
  readonly module: DuckdbModule;
  readonly connection: DuckDBConnection;
  readonly file: string;
  /** The last of a process to close a file lets other processes have it. */
  close(): void;
}

interface Shared {
  readonly instance: Promise<DuckDBInstance>;
  users: number;
}

/** The files that this process has open: DuckDB lets one process have a file, and that one only once. */
const open = new Map<string, Shared>();

const longestPauseMs = 500;

/**
 * Opens a database file, and makes it and its folder when they are not there. Waits while another process has it.
 * @throws SnapshotError STORE_UNAVAILABLE after `busyTimeoutMs`, STORE_CONSTRAINT for a file that is no database of DuckDB, FILE_NOT_WRITABLE
 */
export async function openDuckdb(file: string, busyTimeoutMs: number): Promise<OpenDuckdb> {
  const module = loadDuckdb();
  let shared = open.get(file);
  if (!shared) open.set(file, (shared = { instance: openWhenFree(module, file, busyTimeoutMs), users: 0 }));
  shared.users++;
  const release = (): void => {
    if (--shared.users > 0) return;
    void shared.instance.then(
      (instance) => {
        // Somebody may have come while this waited.
        if (shared.users > 0) return;
        instance.closeSync();
        open.delete(file);
      },
      () => {
        open.delete(file);
      },
    );
  };
  try {
    const instance = await shared.instance;
    const connection = await instance.connect();
    return {
      module,
      connection,
      file,
      close() {
        connection.closeSync();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Nothing from elsewhere: no extension is fetched, no other file is read, whatever a statement may say. */
const settings = {
  enable_external_access: "false",
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
};

async function openWhenFree(
  { DuckDBInstance }: DuckdbModule,
  file: string,
  busyTimeoutMs: number,
): Promise<DuckDBInstance> {
  makeFolderOf(file);
  const started = performance.now();
  for (let pauseMs = 10; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await DuckDBInstance.create(file, settings);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!/could not set lock/i.test(message)) throw cannotOpen(file, message, error);
      if (performance.now() - started > busyTimeoutMs) throw busy(file, busyTimeoutMs, error);
      // Several that wait should not ask at the same moments.
      await delay(pauseMs * (0.5 + Math.random()));
    }
  }
}

function busy(file: string, busyTimeoutMs: number, cause: unknown): SnapshotError {
  return new SnapshotError(
    "STORE_UNAVAILABLE",
    `Another process has had ${file} for ${busyTimeoutMs} ms: DuckDB lets one have a file at a time. Close it there, or wait longer with busyTimeoutMs.`,
    { file, cause },
  );
}

function cannotOpen(file: string, message: string, cause: unknown): SnapshotError {
  const isOfPermissions = /permission denied|read-only/i.test(message);
  return new SnapshotError(
    isOfPermissions ? "FILE_NOT_WRITABLE" : "STORE_CONSTRAINT",
    `DuckDB could not open ${file}: ${message}`,
    { file, cause },
  );
}
