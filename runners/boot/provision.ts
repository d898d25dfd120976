import type { runnerApi } from "../../beam/messages.js";
import { SnapshotError } from "../../snapshot/index.js";
import { call, connect } from "../grpc/client.js";
import { provision } from "../grpc/method.js";
import type { BootFlags } from "./boot-flags.js";

/** What a starting worker knows. */
export interface Provision {
  /** The worker itself first, then those that are to run beside it, each once. */
  readonly workerIds: readonly string[];
  readonly control: string;
  readonly artifacts: string;
  readonly logging: string | undefined;
  readonly dependencies: readonly runnerApi.ArtifactInformation[];
}

const timeoutMs = 60_000;
/** More workers in one place are a mistake of somebody. */
const mostWorkers = 1024;

/**
 * Asks the runner what the worker needs. Its endpoints win over those on the command line.
 * @throws SnapshotError RUNNER_BOOT_FAILED when it does not answer within a minute, or leaves out the control endpoint
 */
export async function fetchProvision(flags: BootFlags, signal?: AbortSignal): Promise<Provision> {
  const { id, provisionEndpoint } = flags;
  const client = connect(provisionEndpoint);
  const { info } = await call(client, provision.getProvisionInfo, {}, { workerId: id, timeoutMs, signal })
    .catch((cause: unknown) => {
      throw new SnapshotError(
        "RUNNER_BOOT_FAILED",
        `The runner's provision service at ${provisionEndpoint} does not answer: ${(cause as Error).message}`,
        { cause },
      );
    })
    .finally(() => {
      client.close();
    });
  const control = info?.controlEndpoint?.url ?? "";
  const artifacts = info?.artifactEndpoint?.url ?? "";
  const logging = info?.loggingEndpoint?.url ?? "";
  const workerIds = [...new Set([id, ...(info?.siblingWorkerIds ?? [])])];
  const known = control === "" ? flags.controlEndpoint : control;
  if (known === "")
    throw new SnapshotError(
      "RUNNER_BOOT_FAILED",
      `The runner's provision service at ${provisionEndpoint} names no control endpoint, and --control_endpoint is missing.`,
    );
  if (workerIds.length > mostWorkers)
    throw new SnapshotError(
      "RUNNER_BOOT_FAILED",
      `The runner asks for ${workerIds.length} workers in one place; at most ${mostWorkers} are started.`,
    );
  return {
    workerIds,
    control: known,
    artifacts: artifacts === "" ? flags.artifactEndpoint : artifacts,
    logging: (logging === "" ? flags.loggingEndpoint : logging) || undefined,
    dependencies: info?.dependencies ?? [],
  };
}
