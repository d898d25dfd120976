import { checkOptionNames } from "../check-options.js";

/**
 * Where the database is: a URL (`postgres://user@host:5432/database?sslmode=verify-full`), or the same as an object. What is left out comes from the
 * environment of the process that connects, as everywhere in PostgreSQL: PGHOST, PGPORT, PGUSER, PGDATABASE.
 *
 * A password is refused here, since a connection is part of the pipeline, which is sent to runners and logged by them. It is taken from PGPASSWORD, from
 * the file that PGPASSFILE names (default `~/.pgpass`), or from the environment variable that the option `passwordFrom` names.
 */
export type PostgresConnection = string | PostgresServer;

/** The parts of a connection, with the names that the package pg has for them. */
export interface PostgresServer {
  /** A name, an address, or the folder of a Unix socket. Default: PGHOST, else `localhost`. */
  readonly host?: string;
  /** Default: PGPORT, else 5432. */
  readonly port?: number;
  /** Default: PGUSER, else the user of the system. */
  readonly user?: string;
  /** Default: PGDATABASE, else the user's name. */
  readonly database?: string;
  /**
   * Whether the connection is encrypted: `disable`; `no-verify`, against listeners only; `verify-full`, to a server whose certificate is valid for its
   * name. Default: PGSSLMODE, else `disable`.
   */
  readonly sslMode?: SslMode;
  /** File with the certificates that are trusted, in PEM, where the worker runs. Default: those of Node. */
  readonly sslRootCert?: string;
  /** What the server's lists of connections call this one. Default: PGAPPNAME, else `beam-indexeddb`. */
  readonly applicationName?: string;
  /** How long to wait for a connection, in milliseconds. Default 30,000. */
  readonly connectTimeoutMs?: number;
}

export type SslMode = "disable" | "no-verify" | "verify-full";

const serverOptions = [
  "host",
  "port",
  "user",
  "database",
  "sslMode",
  "sslRootCert",
  "applicationName",
  "connectTimeoutMs",
] as const satisfies readonly (keyof PostgresServer)[];

/** A checked connection, as plain data without a secret: it travels to the workers. */
export interface PostgresPlace extends PostgresServer {
  readonly passwordFrom?: string;
}

/**
 * Checks a connection.
 * @param transform Its name, for the messages, which never contain the connection.
 * @throws TypeError for what is no connection, and for a password.
 */
export function postgresPlace(
  transform: string,
  connection: PostgresConnection,
  passwordFrom: string | undefined,
): PostgresPlace {
  const server = typeof connection === "string" ? fromUrl(transform, connection) : connection;
  if (typeof server !== "object" || (server as unknown) === null)
    throw new TypeError(`${transform}: give a URL such as "postgres://user@host/database", or its parts.`);
  if ("password" in server) throw passwordRefused(transform);
  checkOptionNames(`${transform} (connection)`, server, serverOptions);
  const { port, sslMode, connectTimeoutMs } = server;
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
    throw new TypeError(`${transform}: the port is no whole number from 1 to 65,535.`);
  if (connectTimeoutMs !== undefined && !(Number.isInteger(connectTimeoutMs) && connectTimeoutMs > 0))
    throw new TypeError(`${transform}: connectTimeoutMs is no whole number of milliseconds above 0.`);
  if (sslMode !== undefined) sslModeOf(transform, sslMode);
  if (passwordFrom !== undefined && !/^[A-Za-z_]\w*$/.test(passwordFrom))
    // Whoever puts the password itself here must not find it in a log.
    throw new TypeError(
      `${transform}: passwordFrom is the name of an environment variable, such as "NOTES_PASSWORD".`,
    );
  return { ...server, ...(passwordFrom === undefined ? {} : { passwordFrom }) };
}

function passwordRefused(transform: string): TypeError {
  return new TypeError(
    `${transform}: the connection has a password, which would be sent and logged with the pipeline. Leave it out and set PGPASSWORD or PGPASSFILE where the workers run, or name the environment variable that has it: passwordFrom: "NAME".`,
  );
}

type Part = { -readonly [name in keyof PostgresServer]: PostgresServer[name] };

const parameters: Readonly<Record<string, (to: Part, value: string, transform: string) => void>> = {
  host: (to, value) => (to.host = value),
  port: (to, value) => (to.port = Number(value)),
  user: (to, value) => (to.user = value),
  dbname: (to, value) => (to.database = value),
  sslmode: (to, value, transform) => (to.sslMode = sslModeOf(transform, value)),
  sslrootcert: (to, value) => (to.sslRootCert = value),
  application_name: (to, value) => (to.applicationName = value),
  connect_timeout: (to, value) => (to.connectTimeoutMs = Number(value) * 1000),
};

function fromUrl(transform: string, text: string): PostgresServer {
  let url: URL;
  try {
    // A URL with a user needs a host, PostgreSQL's does not: postgres://user@/database?host=/run/postgresql.
    url = new URL(text.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=[/?#]|$)/i, "$1localhost"));
  } catch {
    throw new TypeError(
      `${transform}: the connection is no URL. It looks like postgres://user@host:5432/database.`,
    );
  }
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:")
    throw new TypeError(
      `${transform}: the connection's URL does not begin with postgres:// or postgresql://.`,
    );
  if (url.password !== "" || url.searchParams.has("password")) throw passwordRefused(transform);
  const to: Part = {};
  if (url.hostname !== "") to.host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1");
  if (url.port !== "") to.port = Number(url.port);
  if (url.username !== "") to.user = decodeURIComponent(url.username);
  if (url.pathname.length > 1) to.database = decodeURIComponent(url.pathname.slice(1));
  for (const [name, value] of url.searchParams) {
    if (!Object.hasOwn(parameters, name))
      throw new TypeError(
        `${transform}: the connection's URL has the parameter ${JSON.stringify(name)}. Known are ${Object.keys(parameters).join(", ")}.`,
      );
    parameters[name]!(to, value, transform);
  }
  return to;
}

/** PostgreSQL's `require` and `verify-ca` check less than `verify-full`; as in the package pg they check all. */
export function sslModeOf(transform: string, value: string): SslMode {
  if (value === "disable" || value === "no-verify" || value === "verify-full") return value;
  if (value === "require" || value === "verify-ca") return "verify-full";
  throw new TypeError(
    `${transform}: the SSL mode is ${JSON.stringify(value)}. It can be disable, no-verify, require, verify-ca or verify-full.`,
  );
}
