import { findProgram } from "./find-program.js";
import { type JobService, type ServiceOptions, startJobService } from "./job-service.js";
import { prismWorkerFailure } from "./prism-worker-failure.js";

/** Options of Prism. */
export interface PrismOptions extends ServiceOptions {
  /** The program; default: `prism` on the PATH. */
  readonly prismPath?: string | undefined;
}

const advice =
  "Install it with: go install github.com/apache/beam/sdks/v2/go/cmd/prism@latest (and have $(go env GOPATH)/bin on the PATH), or name the program with --prismPath.";

/** Starts Prism, the local portable runner of Beam's Go SDK. Its `failure` also rejects when a worker of the environment type PROCESS could not be run. */
export async function startPrism({ prismPath = "prism", signal }: PrismOptions): Promise<JobService> {
  const command = findProgram(prismPath, advice);
  const workers = prismWorkerFailure();
  const service = await startJobService(
    1,
    ([port]) => ({
      title: "Prism",
      command,
      // Flags that all releases know; the web page would take a port of its own.
      args: [`--job_port=${port!}`, "--serve_http=false"],
      onLine: workers.read,
    }),
    signal,
  );
  const failure = Promise.race([service.failure, workers.failure]);
  failure.catch(() => undefined);
  return { ...service, failure };
}
