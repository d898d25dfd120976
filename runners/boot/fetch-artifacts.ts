import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { artifactApi, runnerApi } from "../../beam/messages.js";
import { SnapshotError } from "../../snapshot/index.js";
import { sha256OfBundle } from "../bundle/worker-bundle-name.js";
import { call, callForStream, connect, messagesOf } from "../grpc/client.js";
import { artifactRetrieval } from "../grpc/method.js";
import { type ArtifactDescription, describeArtifact, refused } from "./artifact-name.js";

/** A file of the job that is here and is what was submitted. */
export interface FetchedArtifact {
  readonly name: string;
  readonly path: string;
}

/** What is fetched, and where to. */
export interface FetchOptions {
  /** `host:port` of the runner's artifact service. */
  readonly address: string;
  readonly workerId: string;
  readonly dependencies: readonly runnerApi.ArtifactInformation[];
  /** An empty folder. */
  readonly folder: string;
  /** A service that sends nothing for so long has failed. Default: two minutes. */
  readonly stallMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches the files of a job into a folder, each under its plain name. A file whose sha256 is not the one it was submitted with is refused.
 * @throws SnapshotError RUNNER_ARTIFACT_REFUSED; FILE_DISK_FULL; RUNNER_BOOT_FAILED when the artifact service fails
 */
export async function fetchArtifacts(options: FetchOptions): Promise<FetchedArtifact[]> {
  const { address, dependencies, workerId, folder, signal, stallMs = 120_000 } = options;
  if (dependencies.length === 0) return [];
  if (address === "")
    throw new SnapshotError(
      "RUNNER_BOOT_FAILED",
      `The job has ${dependencies.length} files, but the runner names no artifact service.`,
    );
  const client = connect(address);
  try {
    const { replacements } = await call(
      client,
      artifactRetrieval.resolveArtifacts,
      { artifacts: [...dependencies], preferredUrns: [] },
      { workerId, signal, timeoutMs: stallMs },
    ).catch((error: unknown) => {
      throw serviceFailed(error, address, "say which files the job has");
    });
    const described = replacements.map((artifact) => ({ artifact, ...describeArtifact(artifact) }));
    const twice = described.find(({ name }, i) => described.findIndex((one) => one.name === name) !== i);
    if (twice) throw refused(`The job has two files with the name ${JSON.stringify(twice.name)}.`);
    const fetched: FetchedArtifact[] = [];
    // One after the other: each is written while it comes.
    for (const { artifact, ...description } of described) {
      const path = join(folder, description.name);
      const stall = new Stall(stallMs, signal);
      const stream = callForStream(
        client,
        artifactRetrieval.getArtifact,
        { artifact },
        { workerId, signal: stall.signal },
      );
      try {
        await write(stall.watch(messagesOf(stream)), path, description);
      } catch (error) {
        if (error instanceof SnapshotError) throw error;
        const what = `send the file ${JSON.stringify(description.name)}`;
        throw serviceFailed(error, address, stall.isOver ? `${what} within ${stallMs / 1000} s` : what);
      } finally {
        stall.end();
        stream.cancel();
      }
      fetched.push({ name: description.name, path });
    }
    return fetched;
  } finally {
    client.close();
  }
}

async function write(
  messages: AsyncIterable<artifactApi.GetArtifactResponse>,
  path: string,
  { name, sha256 }: ArtifactDescription,
): Promise<void> {
  const hash = createHash("sha256");
  const file = await open(path, "wx", 0o600).catch((cause: unknown) => {
    throw diskFailed(cause, path);
  });
  try {
    for await (const { data } of messages) {
      hash.update(data);
      await file.writeFile(data).catch((cause: unknown) => {
        throw diskFailed(cause, path);
      });
    }
  } finally {
    await file.close();
  }
  const actual = hash.digest("hex");
  // The name of a worker's bundle says what it has to be, also where a runner drops the sha256 beside it.
  for (const expected of [sha256, sha256OfBundle(name)]) {
    if (expected !== undefined && expected !== actual)
      throw refused(
        `The file ${JSON.stringify(name)} of the job is not what was submitted: its sha256 is ${actual}, not ${expected}. Submit the job again; when it stays so, somebody changes files on the way.`,
      );
  }
}

/** Ends a call that makes no progress. */
class Stall {
  private readonly abort = new AbortController();
  private readonly stallMs: number;
  private timer: NodeJS.Timeout;
  readonly signal: AbortSignal;

  constructor(stallMs: number, outer: AbortSignal | undefined) {
    this.stallMs = stallMs;
    this.signal = outer ? AbortSignal.any([outer, this.abort.signal]) : this.abort.signal;
    this.timer = this.start();
  }

  async *watch<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const message of messages) {
      clearTimeout(this.timer);
      yield message;
      this.timer = this.start();
    }
  }

  /** The call was ended for this reason. */
  get isOver(): boolean {
    return this.abort.signal.aborted;
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private start(): NodeJS.Timeout {
    return setTimeout(() => {
      this.abort.abort();
    }, this.stallMs);
  }
}

function serviceFailed(cause: unknown, address: string, what: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_BOOT_FAILED",
    `The runner's artifact service at ${address} did not ${what}: ${(cause as Error).message}`,
    { cause },
  );
}

function diskFailed(cause: unknown, path: string): SnapshotError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  return new SnapshotError(
    isFull ? "FILE_DISK_FULL" : "FILE_WRITE_FAILED",
    isFull
      ? `The disk is full: the files of the job can't be written to ${JSON.stringify(path)}. Make room there, or let the runner name another folder with --semi_persist_dir.`
      : `A file of the job can't be written to ${JSON.stringify(path)}: ${message}`,
    { cause, file: path },
  );
}
