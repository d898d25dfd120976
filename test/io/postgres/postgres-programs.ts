import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The folder of the server's programs: from the environment, from PATH, or where Debian has them. Undefined when they are nowhere. */
export function postgresPrograms(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const versions = join("/usr", "lib", "postgresql");
  const installed = existsSync(versions)
    ? readdirSync(versions)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(versions, version, "bin"))
    : [];
  const folders = [env.BEAM_INDEXEDDB_POSTGRES, ...(env.PATH ?? "").split(delimiter), ...installed];
  return folders.find((folder) => folder !== undefined && existsSync(join(folder, "initdb")));
}
