import { appendFile, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The environment variable with the file for failures of boot programs. */
export const failureFileVariable = "BEAM_INDEXEDDB_BOOT_LOG";

const mostBytes = 1 << 20;

/** Where boot programs write why they failed: runners discard what processes that they start print. */
export function failureFile(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const given = env[failureFileVariable];
  return given !== undefined && given !== "" ? given : join(tmpdir(), "beam-indexeddb-boot.log");
}

/** Adds a failure to the file. One that can't be written there is on standard error, too, so this never fails. */
export async function keepFailure(file: string, id: string, text: string): Promise<void> {
  try {
    const size = await stat(file).then(
      (found) => found.size,
      () => 0,
    );
    if (size > mostBytes) await truncate(file);
    await appendFile(file, `${new Date().toISOString()} worker ${id}: ${text}\n`, { mode: 0o600 });
  } catch {
    // Told elsewhere, see above.
  }
}
