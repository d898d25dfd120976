import type { RunnerOptions } from "../runner-options.js";
import { findProgram } from "../service/find-program.js";
import { checkedCommand } from "./process-environment.js";

const advice =
  "Leave out --environmentConfig for workers on this machine, or name an executable boot program (docs/runners/environments.md).";

/**
 * Looks for the boot program of PROCESS workers where it is known to have to be on this machine, so that it can be told before anything is started.
 * @throws SnapshotError RUNNER_PROGRAM_MISSING
 */
export function checkWorkerCommand(options: RunnerOptions): void {
  const { environmentType, environmentConfig } = options;
  if (environmentType !== "PROCESS" || environmentConfig === undefined || !isOnThisMachine(options)) return;
  findProgram(checkedCommand(environmentConfig), advice);
}

const ownAddress = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?):\d+$/;

/**
 * Whether the runner starts its workers on this machine: job servers that are started for the run do, unless they hand their jobs to a cluster, and so does a Prism
 * at an address of this machine. Of other job servers nothing is known: their jobs may go anywhere.
 */
export function isOnThisMachine({
  runner,
  jobEndpoint,
  flinkMaster,
  sparkMasterUrl,
}: RunnerOptions): boolean {
  if (jobEndpoint !== undefined) return runner === "prism" && ownAddress.test(jobEndpoint);
  switch (runner) {
    case "prism":
      return true;
    case "flink":
      return flinkMaster === undefined || flinkMaster === "[local]";
    case "spark":
      return sparkMasterUrl === undefined || /^local(\[|$)/.test(sparkMasterUrl);
    default:
      return false;
  }
}
