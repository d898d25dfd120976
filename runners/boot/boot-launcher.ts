import { createHash } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cachedFolder } from "../service/cached-folder.js";

/** The compiled boot program, also when this module itself runs from its source. */
export function bootProgram(): string {
  return createRequire(import.meta.url).resolve("beam-indexeddb/runners/boot");
}

/**
 * A program that starts the boot program with this Node: runners take the path of one executable file for a command, without arguments. It stays in the cache
 * folder, since a job that goes on without this process may start workers later.
 */
export async function bootLauncher(cacheFolder: string): Promise<string> {
  const script = `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(bootProgram())} "$@"\n`;
  const key = createHash("sha256").update(script).digest("hex").slice(0, 16);
  const folder = await cachedFolder(join(cacheFolder, `boot-${key}`), async (draft) => {
    await writeFile(join(draft, "boot"), script);
    await chmod(join(draft, "boot"), 0o755);
  });
  return join(folder, "boot");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
