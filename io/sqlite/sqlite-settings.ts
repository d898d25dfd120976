import { dirname } from "node:path";
import { SnapshotError } from "../../snapshot/index.js";
import type { ErrorTreatment } from "../failed-record.js";
import type { GivenColumns } from "../table/plan-tables.js";
import { type SqliteDatabase, openSqlite } from "./sqlite-driver.js";
import { makeFolder } from "../file/make-folder.js";

/** The options of `writeToSqlite` with their defaults, as plain data: what travels to the workers. */
export interface SqliteSettings {
  readonly file: string;
  readonly columns: Readonly<Record<string, GivenColumns>> | undefined;
  readonly tables: Readonly<Record<string, string>>;
  readonly versionBy: string | undefined;
  readonly deletes: "soft" | "hard";
  readonly onError: ErrorTreatment;
  readonly loadId: string;
  readonly busyTimeoutMs: number;
  readonly batchRows: number;
}

/** Opens the database file, and makes it and its folder when they are not there. */
export function openDestination(settings: SqliteSettings): SqliteDatabase {
  const { file, busyTimeoutMs } = settings;
  try {
    makeFolder(dirname(file));
  } catch (cause) {
    throw new SnapshotError(
      "FILE_NOT_WRITABLE",
      `The folder of ${file} could not be made: ${cause instanceof Error ? cause.message : String(cause)}. Choose a folder that you may write to.`,
      { file, cause },
    );
  }
  return openSqlite(file, busyTimeoutMs);
}
