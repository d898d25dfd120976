import { execFile, spawn } from "node:child_process";
import { chownSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { postgresPrograms } from "./postgres-programs.js";

const run = promisify(execFile);

/** A PostgreSQL of this test alone, on a free port, without a trace after `stop`. */
export interface PostgresServer {
  readonly port: number;
  readonly superuser: string;
  /** URL of a database, without a password. */
  url(database?: string, user?: string): string;
  /** A new, empty database. */
  createDatabase(): Promise<string>;
  /** SQL as the superuser, every value as pg gives it. */
  query<Row extends object = Record<string, unknown>>(
    database: string,
    sql: string,
    values?: unknown[],
  ): Promise<Row[]>;
  /** Stops it at once, as a crash does, and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** With one, connections need it: scram-sha-256. */
  readonly password?: string;
}

export async function startPostgres({ password }: ServerOptions = {}): Promise<PostgresServer> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error("PostgreSQL is not installed: apt-get install postgresql");
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "postgres-"));
  const account = await ownAccount();
  if (account) chownSync(folder, account.uid, account.gid);
  const options = { cwd: folder, ...account };
  const data = join(folder, "data");
  const port = await freePort();
  const superuser = "tester";
  await run(
    join(programs, "initdb"),
    ["-D", data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    options,
  );
  let server = await start();

  async function start(): Promise<ReturnType<typeof spawn>> {
    const settings = [
      "fsync=off",
      "listen_addresses=localhost",
      `unix_socket_directories=${folder}`,
      "max_connections=60",
    ];
    const started = spawn(
      join(programs!, "postgres"),
      ["-D", data, "-p", String(port), ...settings.flatMap((one) => ["-c", one])],
      { ...options, stdio: "ignore" },
    );
    for (;;) {
      if (started.exitCode !== null) throw new Error("PostgreSQL ended while it started.");
      const answers = await connected("postgres", () => Promise.resolve(true)).catch(() => false);
      if (answers) return started;
      await wait(50);
    }
  }

  async function connected<T>(database: string, body: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ host: folder, port, user: superuser, database });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await body(client);
    } finally {
      await client.end();
    }
  }

  const ended = (signal: NodeJS.Signals): Promise<void> =>
    new Promise((resolve) => {
      if (server.exitCode !== null) resolve();
      server.once("exit", () => {
        resolve();
      });
      server.kill(signal);
    });

  const query: PostgresServer["query"] = (database, sql, values) =>
    connected(database, async (client) => (await client.query(sql, values)).rows as never);
  if (password !== undefined) {
    await query("postgres", `ALTER USER ${superuser} PASSWORD '${password}'`);
    writeFileSync(join(data, "pg_hba.conf"), "local all all trust\nhost all all all scram-sha-256\n");
    await query("postgres", "SELECT pg_reload_conf()");
  }
  let databases = 0;
  return {
    port,
    superuser,
    url: (database = "postgres", user = superuser) => `postgres://${user}@localhost:${port}/${database}`,
    createDatabase: async () => {
      const name = `test_${databases++}`;
      await query("postgres", `CREATE DATABASE ${name} TEMPLATE template0`);
      return name;
    },
    query,
    restart: async () => {
      await ended("SIGQUIT");
      server = await start();
    },
    stop: async () => {
      await ended("SIGQUIT");
      rmSync(folder, { recursive: true });
    },
  };
}

/** The server refuses to run as root: then it runs as the account that its package made. */
async function ownAccount(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string): Promise<number> => Number((await run("id", [flag, "postgres"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, "localhost", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address) resolve(address.port);
        else reject(new Error("no port"));
      });
    });
  });
}
