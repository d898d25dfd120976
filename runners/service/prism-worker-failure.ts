import { SnapshotError } from "../../snapshot/index.js";

/** Watches what Prism writes to its log. */
export interface PrismWorkerFailure {
  /** Rejects when Prism says that a worker process could not be started, or ended by itself. */
  readonly failure: Promise<never>;
  readonly read: (line: string) => void;
}

/** How long the job's own error is waited for. */
const graceMs = 2_000;
/** An entry is a headline, then lines with its attributes, and ends with an empty line. */
const headline = /\bprocess failed (to start|while running)$/;
const cause = /^ +\d+: (.*)$/;

/**
 * Prism only logs that the process of a worker could not be started or has ended; a job that has had no worker yet then waits for good. So the log is read. A killed
 * process means nothing: that is how Prism ends the workers of every job.
 */
export function prismWorkerFailure(): PrismWorkerFailure {
  let fail: (error: SnapshotError) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => (fail = reject));
  failure.catch(() => undefined);
  let kind: string | undefined;
  let causes: string[] = [];
  const entryOver = (): void => {
    const why = causes.join(": ");
    if (kind === "to start") fail(notStarted(why));
    else if (kind !== undefined && why.startsWith("exit status"))
      setTimeout(() => {
        fail(ended(why));
      }, graceMs).unref();
    kind = undefined;
    causes = [];
  };
  return {
    failure,
    read(line) {
      const [, found] = headline.exec(line) ?? [];
      if (line.trim() === "" || found !== undefined) entryOver();
      if (found !== undefined) kind = found;
      const [, text] = kind === undefined ? [] : (cause.exec(line) ?? []);
      if (text !== undefined) causes.push(text);
    },
  };
}

function notStarted(why: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_WORKER_DIED",
    `Prism could not start the boot program of --environmentConfig: ${why}. It is the path of an executable file on the machine of Prism.`,
  );
}

function ended(why: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_WORKER_DIED",
    `The boot program of a worker ended with ${why} in the middle of the job. When it is the one of this package, the reason is in BEAM_INDEXEDDB_BOOT_LOG (beam-indexeddb-boot.log in the folder for temporary files); what another one prints, Prism's log has.`,
  );
}
