/**
 * Code that is loaded by whoever runs it: a page that leaves the work to a worker never does, and export and import do not bring each other.
 * Each chunk has a file of its own that calls this, since bundlers keep what a file may load, called or not.
 *
 * @throws TypeError when the chunk cannot be loaded.
 */
export async function loadChunk<T>(chunk: Promise<T>): Promise<T> {
  try {
    return await chunk;
  } catch (error) {
    throw new TypeError(
      `A part of beam-indexeddb could not be loaded: ${String(error)}. Serve all files that the bundler made; bundle a service worker, which can load nothing later, into one file.`,
      { cause: error },
    );
  }
}
