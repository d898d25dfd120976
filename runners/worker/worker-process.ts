/**
 * A worker in a process of its own, forked by a pool: loads the modules of the pipeline, says that it is ready, serves the runner, and ends with
 * the job or with its parent. Nothing is printed: what steps write to the console goes to the runner's log.
 */
import { loggingPlace } from "../../beam/logging-place.js";
import { captureConsole } from "./capture-console.js";
import { writeFailure } from "./failure-text.js";
import { openWorkerLog } from "./worker-log.js";
import { runWorker } from "./run-worker.js";
import { importWorkerModules, type WorkerModules } from "./worker-modules.js";

/** What a worker process is started with: its only argument, as JSON. */
export interface WorkerProcessSettings {
  readonly id: string;
  readonly control: string;
  readonly logging?: string | undefined;
  readonly modules: WorkerModules;
}

/** What it tells its parent: that it serves the runner, or why it can't. */
export type WorkerProcessMessage = { readonly ready: true } | { readonly failed: string };

const settings = JSON.parse(process.argv[2] ?? "{}") as WorkerProcessSettings;
const printError = process.stderr.write.bind(process.stderr);
const stop = new AbortController();
// The parent is gone: nobody would end this process.
process.on("disconnect", () => {
  stop.abort();
});

// Ctrl-C at a terminal reaches every process of it. The parent cancels the job first; its end is this one's, too.
process.on("SIGINT", () => undefined);

try {
  await importWorkerModules(settings.modules);
} catch (error) {
  await tell({ failed: writeFailure(error) });
  process.exit(1);
}

const log =
  settings.logging === undefined
    ? undefined
    : openWorkerLog(settings.logging, settings.id, (line) => void printError(`${line}\n`));
if (log) {
  captureConsole((severity, text) => {
    log.write(severity, text, loggingPlace());
  });
}

let failAll: (error: unknown) => void = () => undefined;
// A promise of a user's function that nobody awaits belongs to no bundle that is known, so it fails all of them.
process.on("unhandledRejection", (error) => {
  log?.write("ERROR", writeFailure(error));
  failAll(error);
});
process.on("uncaughtException", (error) => {
  log?.write("ERROR", writeFailure(error));
  failAll(error);
});

await tell({ ready: true });
let code = 0;
try {
  await runWorker({ ...settings, signal: stop.signal, onRunning: (fail) => (failAll = fail) });
} catch (error) {
  printError(`${String(error)}\n`);
  code = 1;
}
await log?.close();
process.exit(code);

function tell(message: WorkerProcessMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send)
      process.send(message, undefined, undefined, () => {
        resolve();
      });
    else resolve();
  });
}
