import type { ByteSink } from "../snapshot/index.js";
import { type EnvironmentOptions, environmentOf } from "./environment.js";
import type { WorkerOption } from "./export-options.js";
import { SnapshotError } from "../snapshot/error.js";
import { type WorkerReply, type WorkerRequest, errorOfForm } from "./worker-message.js";

/** How long a worker may take to say that it is there. */
const startMs = 10_000;

/** Options that hold a job to the context of its caller. */
interface LocalOptions extends EnvironmentOptions {
  readonly filter?: unknown;
  readonly transform?: unknown;
}

/** Why a job with these options cannot be done by a worker, if so. */
export function needsThisContext(options: LocalOptions): string | undefined {
  if (options.filter || options.transform) return "filter and transform cannot be sent to it";
  return environmentOf(options).isDefault ? undefined : "it cannot reach this IndexedDB factory";
}

/**
 * A worker that runs this package's script; undefined when none can be had and none was demanded. The URL form below is the one that
 * bundlers recognise and that needs neither eval nor a blob: URL, so it works under a strict Content-Security-Policy.
 *
 * @param needsHere why the job cannot leave this context, if it cannot.
 * @throws TypeError when a worker was demanded and there is none.
 */
export async function startWorker(
  option: WorkerOption | undefined,
  needsHere: string | undefined,
): Promise<Worker | undefined> {
  if (option === false) return undefined;
  // In a worker already: its own thread is as good as another.
  const wanted = option !== undefined || typeof document !== "undefined";
  if (!wanted) return undefined;
  const reason = needsHere ?? (typeof Worker === "undefined" ? "there are none here" : undefined);
  if (reason === undefined) {
    try {
      const worker =
        typeof option === "function"
          ? option()
          : option === undefined || option === true
            ? new Worker(new URL("./worker.js", import.meta.url), { type: "module" })
            : new Worker(option, { type: "module" });
      await ready(worker);
      return worker;
    } catch (error) {
      if (option === undefined) return undefined;
      throw new TypeError(
        `The worker could not be started: ${String(error)}. Set worker to the URL of beam-indexeddb/browser/worker, or to false.`,
        { cause: error },
      );
    }
  }
  if (option === undefined) return undefined;
  throw new TypeError(`A worker was asked for, but ${reason}. Set worker to false.`);
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (what: string) => {
      worker.terminate();
      reject(new Error(what));
    };
    const timer = setTimeout(() => {
      fail("no answer");
    }, startMs);
    worker.onmessage = () => {
      clearTimeout(timer);
      resolve();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      clearTimeout(timer);
      fail(event.message || "its script is missing");
    };
  });
}

/** Runs one job in the worker and ends the worker afterwards. Chunks go to `sink` one at a time. */
export function runInWorker(
  worker: Worker,
  request: WorkerRequest,
  handlers: {
    readonly onProgress?: ((progress: never) => void) | undefined;
    readonly sink?: ByteSink | undefined;
  },
  signal: AbortSignal,
): Promise<unknown> {
  const send = (message: WorkerRequest) => {
    worker.postMessage(message);
  };
  const abort = () => {
    send({ kind: "abort" });
  };
  return new Promise<unknown>((resolve, reject) => {
    let failure: unknown;
    let chunks = 0;
    // A fault on this side: the worker is asked to clean up, and what it then says gives way to the fault.
    const fail = (error: unknown) => {
      failure ??= error;
      abort();
    };
    worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => {
      try {
        switch (data.kind) {
          case "progress":
            handlers.onProgress?.(data.progress as never);
            break;
          case "chunk":
            chunks++;
            Promise.resolve(handlers.sink?.write(data.bytes)).then(() => {
              send({ kind: "pull" });
            }, fail);
            break;
          case "done":
            resolve(data.result);
            break;
          case "failed":
            reject((failure as Error | undefined) ?? errorOfForm(data.error));
            break;
          case "ready":
            break;
        }
      } catch (error) {
        fail(error);
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const what = `The worker failed: ${event.message}`;
      // Firefox fails so, outside of all handlers, on a value that only windows can read.
      const needsPage = request.kind === "export" && chunks === 0;
      reject(
        needsPage ? new SnapshotError("EXPORT_NEEDS_PAGE", `${what}. Set worker to false.`) : new Error(what),
      );
    };
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    send(request);
  }).finally(() => {
    signal.removeEventListener("abort", abort);
    worker.terminate();
  });
}
