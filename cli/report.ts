import { inspect } from "node:util";
import { isSnapshotError } from "../snapshot/index.js";
import { exitCodes, type Terminal, UsageError } from "./command.js";
import { printable } from "./table.js";

/** One sentence on standard error (of a runner, some lines); with --json also an object on standard output. */
export function report(error: unknown, wantsJson: boolean, terminal: Terminal): number {
  const isUsage = error instanceof UsageError;
  const code = isSnapshotError(error) ? error.code : isUsage ? "USAGE" : "INTERNAL";
  const message = error instanceof Error ? error.message : String(error);
  if (wantsJson) void terminal.out(`${JSON.stringify({ error: { code, message, ...placeOf(error) } })}\n`);
  const said = isUsage ? message : code === "INTERNAL" ? internal(message) : `${code}: ${message}`;
  // A job server's last lines, a runner's error: of a runner's text, the lines are worth keeping.
  const shown = code.startsWith("RUNNER_") ? printableLines(said) : printable(said);
  terminal.err(`beam-indexeddb: ${shown}\n`);
  if (!isUsage && error instanceof Error && process.env.BEAM_INDEXEDDB_DEBUG)
    terminal.err(`${printableLines(stackOf(error))}\n`);
  return isUsage ? exitCodes.usage : exitCodes.failed;
}

function stackOf({ stack = "", cause }: Error): string {
  if (cause === undefined) return stack;
  return `${stack}\nCaused by: ${cause instanceof Error ? stackOf(cause) : typeof cause === "string" ? cause : inspect(cause)}`;
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
