import type { ByteSource } from "../snapshot/index.js";
import { createScratchFile } from "./scratch-file.js";

/** Where a snapshot may come from. A stream is put aside first, since a file is checked as a whole before anything is written. */
export type ImportSource = ReadableStream<Uint8Array> | Blob | Uint8Array | ByteSource;

export interface ReceivedSource {
  readonly source: Blob | ByteSource;
  /** Frees what a stream took. Never rejects. */
  discard(): Promise<void>;
}

const partBytes = 4 << 20;

export async function receiveSource(
  source: ImportSource,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<ReceivedSource> {
  if (source instanceof ReadableStream) return receiveStream(source, onBytes, signal);
  const keep = source instanceof Uint8Array ? new Blob([source as Uint8Array<ArrayBuffer>]) : source;
  return { source: keep, discard: () => Promise.resolve() };
}

/** Into a private file where there is one, else into Blobs: either way not into the page's own memory. */
async function receiveStream(
  stream: ReadableStream<Uint8Array>,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<ReceivedSource> {
  const file = await createScratchFile();
  let writable: FileSystemWritableFileStream | undefined;
  try {
    writable = await file?.handle.createWritable();
  } catch {
    // No quota or no such method: Blobs it is.
  }
  const reader = stream.getReader();
  const stop = () => {
    void reader.cancel(signal.reason).catch(() => undefined);
  };
  signal.addEventListener("abort", stop);
  const parts: Blob[] = [];
  let part: Uint8Array<ArrayBuffer>[] = [];
  let partSize = 0;
  let total = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      if (!(value instanceof Uint8Array))
        throw new TypeError("importDB: the stream must give Uint8Array chunks.");
      total += value.length;
      if (writable) {
        await writable.write(value as Uint8Array<ArrayBuffer>);
      } else {
        part.push(value as Uint8Array<ArrayBuffer>);
        partSize += value.length;
        if (partSize >= partBytes) {
          parts.push(new Blob(part));
          part = [];
          partSize = 0;
        }
      }
      onBytes(total);
    }
    if (file && writable) {
      await writable.close();
      return { source: await file.handle.getFile(), discard: () => file.discard() };
    }
    await file?.discard();
    return { source: new Blob([...parts, ...part]), discard: () => Promise.resolve() };
  } catch (error) {
    await writable?.abort().catch(() => undefined);
    await file?.discard();
    void reader.cancel(error).catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
