const pattern = /^beam-indexeddb-worker-([0-9a-f]{64})\.mjs$/;

/** The name under which a worker's bundle is staged. It says what the content has to be: some runners drop the sha256 that goes with a file. */
export function workerBundleName(sha256: string): string {
  return `beam-indexeddb-worker-${sha256}.mjs`;
}

/** The sha256 that a file of this name has to have; undefined when it is no worker's bundle. */
export function sha256OfBundle(name: string): string | undefined {
  return pattern.exec(name)?.[1];
}
