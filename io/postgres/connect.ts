import { readFileSync } from "node:fs";
import type { Client } from "pg";
import { SnapshotError } from "../../snapshot/index.js";
import { type PostgresPlace, sslModeOf } from "./connection.js";
import { loadPg } from "./load-pg.js";

/**
 * A connection of one bundle. Every value comes as text; names are looked up in no schema but PostgreSQL's own, so that all others have to be qualified:
 * what is found must not depend on a search path that others may set.
 */
export interface PostgresClient {
  /** One statement. Rows are arrays of texts. */
  query(text: string, values?: readonly unknown[]): Promise<PostgresRows>;
  /** Several statements without parameters, in one message. */
  run(text: string): Promise<void>;
  /** The package's own, for its submittable objects. */
  readonly raw: RawClient;
  readonly isBroken: () => boolean;
}

/** pg's types lack what lets a process end while a connection is open. */
export type RawClient = Client & { ref(): void; unref(): void };

export interface PostgresRows {
  readonly rows: (string | null)[][];
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

const settings = [
  "SET search_path TO pg_catalog, pg_temp",
  "SET client_encoding TO UTF8",
  "SET DateStyle TO ISO, YMD",
  "SET IntervalStyle TO iso_8601",
  "SET TimeZone TO UTC",
  "SET bytea_output TO hex",
  "SET extra_float_digits TO 3",
  "SET standard_conforming_strings TO on",
].join("; ");

/** Connections that a bundle has left, for the next one. They end by themselves, and keep no process alive. */
const idle = new Map<string, { client: PostgresClient; timer: NodeJS.Timeout }[]>();
const idleMs = 5_000;

/** A connection that a bundle of this process has left, or a new one. Give it back with `release`. */
export async function connect(place: PostgresPlace): Promise<PostgresClient> {
  const free = idle.get(keyOf(place)) ?? [];
  for (let left = free.pop(); left; left = free.pop()) {
    clearTimeout(left.timer);
    if (left.client.isBroken()) continue;
    left.client.raw.ref();
    return left.client;
  }
  return open(place);
}

/** @param reusable False after a failure: who knows what state the connection is in. */
export async function release(
  place: PostgresPlace,
  client: PostgresClient,
  reusable: boolean,
): Promise<void> {
  if (!reusable || client.isBroken()) {
    await end(client);
    return;
  }
  const key = keyOf(place);
  const free = idle.get(key) ?? [];
  idle.set(key, free);
  const timer = setTimeout(() => {
    idle.set(
      key,
      (idle.get(key) ?? []).filter((one) => one.client !== client),
    );
    void end(client);
  }, idleMs);
  timer.unref();
  client.raw.unref();
  free.push({ client, timer });
}

/** Ends the connections of this process that nobody uses. */
export async function endIdle(): Promise<void> {
  const all = [...idle.values()].flat();
  idle.clear();
  for (const { timer } of all) clearTimeout(timer);
  await Promise.all(all.map(({ client }) => end(client)));
}

async function end(client: PostgresClient): Promise<void> {
  client.raw.ref();
  await client.raw.end().catch(() => undefined);
}

function keyOf(place: PostgresPlace): string {
  return JSON.stringify(place);
}

async function open(place: PostgresPlace): Promise<PostgresClient> {
  const { Client: PgClient } = await loadPg();
  const { host, port, user, database, applicationName, connectTimeoutMs = 30_000 } = place;
  const password = passwordOf(place);
  const raw = new PgClient({
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    ...(database === undefined ? {} : { database }),
    ...(password === undefined ? {} : { password }),
    ssl: sslOf(place),
    application_name: applicationName ?? process.env.PGAPPNAME ?? "beam-indexeddb",
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    // Values are texts: what they become is for the code that asked.
    types: { getTypeParser: () => (text: unknown) => text },
  }) as RawClient;
  let broken = false;
  // A connection that breaks says so to whoever waits for an answer; without a listener it would end the process.
  raw.on("error", () => (broken = true));
  raw.on("end", () => (broken = true));
  const query = async (text: string, values: readonly unknown[] = []): Promise<PostgresRows> => {
    const result = await raw.query<(string | null)[]>({ text, values: [...values], rowMode: "array" });
    return { rows: result.rows, fields: result.fields };
  };
  try {
    await raw.connect();
    await raw.query(settings);
  } catch (error) {
    await raw.end().catch(() => undefined);
    throw error;
  }
  return {
    query,
    run: async (text) => {
      await raw.query(text);
    },
    raw,
    isBroken: () => broken,
  };
}

function passwordOf({ passwordFrom }: PostgresPlace): string | undefined {
  if (passwordFrom === undefined) return undefined;
  const password = process.env[passwordFrom];
  if (password === undefined || password === "")
    throw new SnapshotError(
      "STORE_UNAVAILABLE",
      `The environment variable ${passwordFrom}, which passwordFrom names, is not set in this worker. Set it where the workers run.`,
    );
  return password;
}

function sslOf({
  sslMode,
  sslRootCert,
}: PostgresPlace): boolean | { ca?: string; rejectUnauthorized: boolean } {
  const { PGSSLMODE } = process.env;
  const mode =
    sslMode ?? (PGSSLMODE === undefined || PGSSLMODE === "" ? "disable" : sslModeOf("PGSSLMODE", PGSSLMODE));
  if (mode === "disable") return false;
  return {
    rejectUnauthorized: mode === "verify-full",
    ...(sslRootCert === undefined ? {} : { ca: readFileSync(sslRootCert, "utf8") }),
  };
}
