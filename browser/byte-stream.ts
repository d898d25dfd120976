import type { ByteSink } from "../snapshot/index.js";

/**
 * A stream of bytes that `produce` writes, at the pace of its reader. It starts at once. It closes only when `produce` has ended well;
 * an error errors it, so half a file never looks like a whole one. Cancelling it aborts the signal and waits until `produce` has cleaned up.
 */
export function byteStream(
  produce: (sink: ByteSink, signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const stop = new AbortController();
  const abort = () => {
    stop.abort(signal?.reason);
  };
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  let resume: (() => void) | undefined;
  let cancelled = false;
  let ended: Promise<void>;
  stop.signal.addEventListener("abort", () => resume?.());
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const sink: ByteSink = {
          write(bytes) {
            stop.signal.throwIfAborted();
            // What waits in the stream must not change when the writer uses its buffer again.
            controller.enqueue(bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice());
            if ((controller.desiredSize ?? 1) > 0) return undefined;
            return new Promise<void>((resolve) => {
              resume = resolve;
            });
          },
        };
        ended = produce(sink, stop.signal).then(
          () => {
            if (!cancelled) controller.close();
          },
          (error: unknown) => {
            if (!cancelled) controller.error(error);
          },
        );
        void ended.then(() => signal?.removeEventListener("abort", abort));
      },
      pull() {
        resume?.();
        resume = undefined;
      },
      async cancel(reason) {
        cancelled = true;
        stop.abort(reason);
        await ended;
      },
    },
    { highWaterMark: 1 << 20, size: (chunk) => chunk.byteLength },
  );
}
