import { execFile, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";

const run = promisify(execFile);

/**
 * A PostgreSQL of this bench alone, with the settings of a fresh installation, reached by TCP as a server is. Its folder is not in the bench's, which
 * the server's account may not enter.
 */
export interface Cluster {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startCluster(port: number): Promise<Cluster> {
  const programs = findPrograms();
  const account = await ownAccount();
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "bench-postgres-"));
  if (account) chownSync(folder, account.uid, account.gid);
  const options = { cwd: folder, ...account };
  const data = join(folder, "data");
  await run(
    join(programs, "initdb"),
    ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"],
    options,
  );
  const server = spawn(
    join(programs, "postgres"),
    ["-D", data, "-p", String(port), "-c", "listen_addresses=localhost", "-k", folder],
    { ...options, stdio: "ignore" },
  );
  const url = `postgres://bench@localhost:${port}/postgres`;
  while (!(await answers(url))) {
    if (server.exitCode !== null) throw new Error("PostgreSQL ended while it started.");
    await wait(50);
  }
  return {
    url,
    stop: () =>
      new Promise((resolve) => {
        server.once("exit", () => {
          rmSync(folder, { recursive: true });
          resolve();
        });
        server.kill("SIGINT");
      }),
  };
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString });
  client.on("error", () => undefined);
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
}

/** From PATH, or where Debian has them. */
function findPrograms(): string {
  const versions = join("/usr", "lib", "postgresql");
  const installed = existsSync(versions)
    ? readdirSync(versions).map((version) => join(versions, version, "bin"))
    : [];
  const found = [...(process.env.PATH ?? "").split(delimiter), ...installed].find((folder) =>
    existsSync(join(folder, "initdb")),
  );
  if (found === undefined) throw new Error("This bench needs PostgreSQL: apt-get install postgresql");
  return found;
}

/** The server refuses to run as root: then it runs as the account that its package made. */
async function ownAccount(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string): Promise<number> => Number((await run("id", [flag, "postgres"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}
