import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSnapshotError } from "../../snapshot/index.js";
import { freePorts } from "./free-port.js";
import { type ProcessDescription, type RunningProcess, startProcess } from "./start-process.js";
import { waitUntilAnswers } from "./wait-until-answers.js";

/** A job server that runs. */
export interface JobService {
  /** `host:port` of its job API. */
  readonly address: string;
  /** Rejects when it ends without being stopped. */
  readonly failure: Promise<never>;
  /** Ends it with all its processes. Can be called twice. */
  stop(): Promise<void>;
}

/** What every service takes. */
export interface ServiceOptions {
  /** Told of what takes long: downloads on first use. */
  readonly onProgress?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For what is downloaded on first use. */
  readonly cacheFolder: string;
}

const host = "127.0.0.1";
const startDeadlineMs = 60_000;
const attempts = 3;

/** How a job server is started, given its free ports and a folder for its temporary files that goes when it goes. */
export type ServiceCommand = (
  ports: readonly number[],
  scratchFolder: string,
) => Omit<ProcessDescription, "scratchFolder">;

/**
 * Starts a job server and resolves when it answers.
 * @param portCount Of the ports that it needs; the first is that of its job API.
 * @throws SnapshotError RUNNER_SERVICE_FAILED with its last lines when it ends early
 */
export async function startJobService(
  portCount: number,
  command: ServiceCommand,
  signal: AbortSignal | undefined,
): Promise<JobService> {
  for (let attempt = 1; ; attempt++) {
    const ports = await freePorts(portCount);
    const scratchFolder = await mkdtemp(join(tmpdir(), "beam-indexeddb-"));
    const process = startProcess({ ...command(ports, scratchFolder), scratchFolder });
    const address = `${host}:${ports[0]!}`;
    try {
      await answering(process, address, signal);
      return { address, failure: process.failure, stop: () => process.stop() };
    } catch (error) {
      await process.stop();
      // Between the choice of a port and its use another program may have taken it.
      if (attempt < attempts && isSnapshotError(error) && saysPortTaken(process)) continue;
      throw error;
    }
  }
}

async function answering(
  process: RunningProcess,
  address: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const over = new AbortController();
  const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const answers = waitUntilAnswers(address, startDeadlineMs, either);
  answers.catch(() => undefined);
  try {
    await Promise.race([answers, process.failure]);
  } finally {
    over.abort();
  }
}

function saysPortTaken(process: RunningProcess): boolean {
  return process.lastLines().some((line) => /address already in use|failed to bind/i.test(line));
}
