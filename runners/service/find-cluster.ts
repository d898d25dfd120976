import { once } from "node:events";
import { connect } from "node:net";
import { SnapshotError } from "../../snapshot/index.js";

const timeoutMs = 5_000;

/**
 * Makes sure that a cluster can be reached before anything is started for it: job servers try for minutes, without a word.
 * @param master What the user gave. Only addresses are tried: `host:port` of Flink, `spark://host:port` (one of several is enough).
 * @throws SnapshotError RUNNER_ENDPOINT_UNREACHABLE
 */
export async function findCluster(name: string, master: string, signal?: AbortSignal): Promise<void> {
  const addresses = addressesOf(master);
  if (addresses.length === 0) return;
  const attempts = addresses.map(({ host, port }) => reach(host, port, signal));
  await Promise.any(attempts).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw new SnapshotError(
      "RUNNER_ENDPOINT_UNREACHABLE",
      `No ${name} cluster answers at ${master}. Check host and port, and that it runs.`,
      { cause: error },
    );
  });
}

function addressesOf(master: string): { readonly host: string; readonly port: number }[] {
  return master
    .replace(/^(spark|https?):\/\//, "")
    .split(",")
    .flatMap((part) => {
      const [, host, port] = /^\[?([^[\]\s/]+?)\]?:(\d{1,5})$/.exec(part) ?? [];
      return host === undefined ? [] : [{ host, port: Number(port) }];
    });
}

async function reach(host: string, port: number, signal: AbortSignal | undefined): Promise<void> {
  const socket = connect({ host, port });
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    await once(socket, "connect", { signal: signal ? AbortSignal.any([signal, limit]) : limit });
  } finally {
    socket.destroy();
  }
}
