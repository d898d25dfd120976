import { isSnapshotError } from "../snapshot/index.js";
import { exitCodes, type Terminal, UsageError } from "./command.js";
import { printable } from "./table.js";

/** One sentence on standard error; with --json also an object on standard output. */
export function report(error: unknown, wantsJson: boolean, terminal: Terminal): number {
  const isUsage = error instanceof UsageError;
  const code = isSnapshotError(error) ? error.code : isUsage ? "USAGE" : "INTERNAL";
  const message = error instanceof Error ? error.message : String(error);
  if (wantsJson) void terminal.out(`${JSON.stringify({ error: { code, message, ...placeOf(error) } })}\n`);
  const said = isUsage ? message : code === "INTERNAL" ? internal(message) : `${code}: ${message}`;
  terminal.err(`beam-indexeddb: ${printable(said)}\n`);
  if (!isUsage && error instanceof Error && process.env.BEAM_INDEXEDDB_DEBUG)
    terminal.err(`${printableLines(error.stack ?? "")}\n`);
  return isUsage ? exitCodes.usage : exitCodes.failed;
}

function internal(message: string): string {
  return `this should not happen: ${message.split("\n")[0]} (set BEAM_INDEXEDDB_DEBUG=1 to see where)`;
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function placeOf(error: unknown): object {
  if (!isSnapshotError(error)) return {};
  const { file, offset, store, key } = error;
  return { file, offset, store, key };
}
