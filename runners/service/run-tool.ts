import { SnapshotError } from "../../snapshot/index.js";
import { lastWords, type ProcessDescription, startProcess } from "./start-process.js";

/**
 * Runs a program to its end.
 * @throws SnapshotError RUNNER_SERVICE_FAILED with its last lines; the signal's reason after it was stopped
 */
export async function runTool(tool: ProcessDescription, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const running = startProcess(tool);
  const stop = (): void => void running.stop();
  signal?.addEventListener("abort", stop, { once: true });
  const code = await running.exited;
  signal?.removeEventListener("abort", stop);
  signal?.throwIfAborted();
  if (code === 0) return;
  const lines = running.lastLines();
  throw new SnapshotError("RUNNER_SERVICE_FAILED", `${tool.title} failed:\n${lastWords(lines).join("\n")}`, {
    cause: lines.join("\n"),
  });
}
