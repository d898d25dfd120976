import { statfsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { SnapshotError } from "../../snapshot/index.js";

/**
 * SQLite as this package needs it: synchronous, with exact values. Node's own `node:sqlite` where the process has it (Node 22 and later),
 * else the package `libsql`. Only these types may be bound: both drivers change others without a word, and libsql ends the process at a boolean.
 */
export type SqliteValue = string | number | bigint | Uint8Array | null;

export interface SqliteStatement {
  /** @returns how many rows were written or deleted. */
  run(parameters: readonly SqliteValue[]): number;
}

export interface SqliteDatabase {
  readonly driver: SqliteDriverName;
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  /** Rows as objects. Every INTEGER is a bigint, every BLOB a Uint8Array. */
  all(sql: string, parameters?: readonly SqliteValue[]): Record<string, SqliteValue>[];
  /** Runs the body in one write transaction: all of it happens, or nothing. */
  transaction<T>(body: () => T): T;
  close(): void;
}

export type SqliteDriverName = "node:sqlite" | "libsql";

/** A text parameter in SQL. libsql cuts a bound string at NUL, so such a string is bound as its UTF-8 bytes; for every other value the cast does nothing. */
export const textParameter = "CAST(? AS TEXT)";

interface RawDatabase {
  exec(sql: string): void;
  run(sql: string): SqliteStatement;
  all(sql: string, parameters: readonly SqliteValue[]): Record<string, unknown>[];
  close(): void;
}

const drivers: Readonly<Record<SqliteDriverName, (file: string) => RawDatabase>> = {
  "node:sqlite": openNodeSqlite,
  libsql: openLibsql,
};

const require = createRequire(import.meta.url);

/** The driver that this process uses unless it is told otherwise. */
export function defaultSqliteDriver(): SqliteDriverName {
  return process.getBuiltinModule("node:sqlite") !== undefined ? "node:sqlite" : "libsql";
}

/**
 * Opens the file, or makes it. Other processes may use it at the same time: readers never wait, a writer waits for `busyTimeoutMs` for another one.
 * @throws SnapshotError FILE_NOT_WRITABLE, STORE_CONSTRAINT when the file is no SQLite database.
 */
export function openSqlite(
  file: string,
  busyTimeoutMs: number,
  driver: SqliteDriverName = defaultSqliteDriver(),
): SqliteDatabase {
  const guard = <T>(body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw toSnapshotError(error, file, busyTimeoutMs);
    }
  };
  const raw = guard(() => drivers[driver](file));
  const exec = (sql: string): void => {
    guard(() => {
      raw.exec(sql);
    });
  };
  try {
    // The timeout comes first: switching to WAL takes a lock itself.
    exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    exec("PRAGMA journal_mode = WAL");
    exec("PRAGMA synchronous = NORMAL");
  } catch (error) {
    raw.close();
    throw error;
  }
  return {
    driver,
    exec,
    prepare: (sql) => {
      const statement = guard(() => raw.run(sql));
      return { run: (parameters) => guard(() => statement.run(parameters)) };
    },
    all: (sql, parameters = []) => guard(() => raw.all(sql, parameters).map(cleanRow)),
    transaction: (body) => {
      exec("BEGIN IMMEDIATE");
      try {
        const result = body();
        exec("COMMIT");
        return result;
      } catch (error) {
        rollBack(raw);
        throw error;
      }
    },
    close: () => {
      gatherInFile(raw);
      raw.close();
    },
  };
}

/**
 * Brings what is in the write-ahead log into the file. SQLite does so when the last connection closes, but a connection is closed only when its statements are
 * gone, too, which in libsql waits for the garbage collection: a process that ends before leaves a file without its content.
 */
function gatherInFile(raw: RawDatabase): void {
  // Whoever else has it open does the same when it closes.
  const attempt = (sql: string): boolean => {
    try {
      raw.exec(sql);
      return true;
    } catch {
      return false;
    }
  };
  attempt("PRAGMA busy_timeout = 0");
  if (!attempt("PRAGMA journal_mode = DELETE")) attempt("PRAGMA wal_checkpoint(TRUNCATE)");
}

function rollBack(raw: RawDatabase): void {
  try {
    raw.exec("ROLLBACK");
  } catch {
    // A full disk or a failed COMMIT has rolled back by itself; the error that led here is the one to report.
  }
}

function openNodeSqlite(file: string): RawDatabase {
  const { DatabaseSync } = require("node:sqlite") as NodeSqlite;
  const database = new DatabaseSync(file);
  return {
    exec: (sql) => {
      database.exec(sql);
    },
    run: (sql) => {
      const statement = database.prepare(sql);
      return { run: (parameters) => Number(statement.run(...parameters).changes) };
    },
    all: (sql, parameters) => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return statement.all(...parameters);
    },
    close: () => {
      database.close();
    },
  };
}

function openLibsql(file: string): RawDatabase {
  const Database = require("libsql") as Libsql;
  const database = new Database(file);
  return {
    exec: (sql) => {
      database.exec(sql);
    },
    run: (sql) => {
      const statement = database.prepare(sql);
      return { run: (parameters) => Number(statement.run(parameters.map(withoutNul)).changes) };
    },
    all: (sql, parameters) => database.prepare(sql).safeIntegers(true).all(parameters.map(withoutNul)),
    close: () => {
      database.close();
    },
  };
}

function withoutNul(value: SqliteValue): SqliteValue {
  return typeof value === "string" && value.includes("\0") ? Buffer.from(value) : value;
}

function cleanRow(row: Record<string, unknown>): Record<string, SqliteValue> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof ArrayBuffer ? new Uint8Array(value) : (value as SqliteValue),
    ]),
  );
}

/** The parts of the drivers that are used here. Neither is typed for Node 20 in a way that would fit both. */
interface NodeSqlite {
  readonly DatabaseSync: new (file: string) => {
    exec(sql: string): void;
    prepare(sql: string): {
      run(...parameters: SqliteValue[]): { readonly changes: number | bigint };
      all(...parameters: SqliteValue[]): Record<string, unknown>[];
      setReadBigInts(on: boolean): void;
    };
    close(): void;
  };
}

interface LibsqlStatement {
  run(parameters: readonly SqliteValue[]): { readonly changes: number | bigint };
  all(parameters: readonly SqliteValue[]): Record<string, unknown>[];
  safeIntegers(on: boolean): LibsqlStatement;
}

type Libsql = new (file: string) => {
  exec(sql: string): void;
  prepare(sql: string): LibsqlStatement;
  close(): void;
};

interface Translation {
  readonly matches: RegExp;
  readonly code: ConstructorParameters<typeof SnapshotError>[0];
  readonly advice: (busyTimeoutMs: number) => string;
}

/** SQLite's result codes are in the message, in `code`, or in `errcode`, depending on the driver: the texts are the same everywhere. */
const translations: readonly Translation[] = [
  {
    matches: /database is locked|database table is locked/,
    code: "STORE_UNAVAILABLE",
    advice: (ms) =>
      `Another process has been writing to it for ${ms} ms. Let it finish, or set a longer busyTimeoutMs.`,
  },
  {
    matches: /disk is full/,
    code: "FILE_DISK_FULL",
    advice: () =>
      "The transaction was rolled back. Make room, then run the pipeline again: nothing is written twice.",
  },
  {
    matches: /unable to open/i,
    code: "FILE_NOT_WRITABLE",
    advice: () => "Check that its folder exists and may be written to.",
  },
  {
    matches: /readonly database/,
    code: "FILE_NOT_WRITABLE",
    advice: () => "Check the permissions of the file and its folder.",
  },
  {
    matches: /not a database|malformed/,
    code: "STORE_CONSTRAINT",
    advice: () => "The file is no SQLite database, or it is damaged. Choose another file.",
  },
  {
    matches: /disk I\/O error/,
    code: "FILE_WRITE_FAILED",
    advice: () => "The transaction was rolled back. Check the disk, then run the pipeline again.",
  },
];

function toSnapshotError(cause: unknown, file: string, busyTimeoutMs: number): SnapshotError {
  const text = cause instanceof Error ? cause.message : String(cause);
  // A full disk is only called one where pages are written; where SQLite lays out the index of its log it is an "I/O error".
  const meaning = text.includes("disk I/O error") && hasNoRoom(file) ? "database or disk is full" : text;
  const found = translations.find(({ matches }) => matches.test(meaning));
  const advice = found?.advice(busyTimeoutMs) ?? "This is not expected; please report it with the message.";
  return new SnapshotError(
    found?.code ?? "STORE_CONSTRAINT",
    `SQLite refused to work on ${file}: ${meaning}. ${advice}`,
    {
      file,
      cause,
    },
  );
}

/** Less than two pieces of the log's index, by which it grows. */
function hasNoRoom(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize < 65_536;
  } catch {
    return false;
  }
}
