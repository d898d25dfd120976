import { loadExport } from "./load-export.js";
import { loadImport } from "./load-import.js";
import { type WorkerReply, type WorkerRequest, formOfError } from "./worker-message.js";

/** The script of the dedicated worker that exportDB and importDB start: one job, then the page ends it. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<WorkerRequest>) => void;
  postMessage: (reply: WorkerReply, transfer?: Transferable[]) => void;
};

const stop = new AbortController();
let pulled: (() => void) | undefined;

scope.onmessage = ({ data }) => {
  switch (data.kind) {
    case "pull":
      pulled?.();
      break;
    case "abort":
      stop.abort();
      pulled?.();
      break;
    default:
      job(data).then(
        (result) => {
          scope.postMessage({ kind: "done", result });
        },
        (error: unknown) => {
          scope.postMessage({ kind: "failed", error: formOfError(error) });
        },
      );
  }
};
scope.postMessage({ kind: "ready" });

async function job(request: Extract<WorkerRequest, { kind: "export" | "import" }>): Promise<unknown> {
  const tell = (progress: Extract<WorkerReply, { kind: "progress" }>["progress"]) => {
    scope.postMessage({ kind: "progress", progress });
  };
  const onProgress = request.tells ? tell : undefined;
  if (request.kind === "import") {
    const runImport = await loadImport();
    return runImport(request.source, { ...request.options, onProgress }, stop.signal);
  }
  if (request.pageCanLookAgain) (await import("./needs-page.js")).pageCanLookAgain();
  const runExport = await loadExport();
  return runExport(request.source, { ...request.options, onProgress }, { write: sendChunk }, stop.signal);
}

/** Hands a chunk over and waits until the page's stream wants the next. */
function sendChunk(bytes: Uint8Array): Promise<void> {
  stop.signal.throwIfAborted();
  // Transferred, not copied again, when nobody else looks at the buffer.
  const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  const answer = new Promise<void>((resolve) => {
    pulled = resolve;
  });
  scope.postMessage({ kind: "chunk", bytes: own }, [own.buffer]);
  return answer;
}
