import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { SnapshotError } from "../../snapshot/index.js";
import type { BootReport } from "./boot-report.js";

/** Hears how boot programs on this machine fare. */
export interface BootReports {
  /** Rejects when one of them failed, or ended without a word. */
  readonly failure: Promise<never>;
  close(): void;
}

/**
 * Listens on a socket.
 * @param graceMs A runner that is done with a job may end its workers in any way before it says so: so long its word is waited for.
 */
export async function bootReports(path: string, graceMs = 2000): Promise<BootReports> {
  let fail: (error: SnapshotError) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => (fail = reject));
  failure.catch(() => undefined);
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let isClosed = false;
  const failSoon = (error: SnapshotError): void => {
    if (isClosed) return;
    const timer = setTimeout(() => {
      fail(error);
    }, graceMs);
    timers.add(timer);
  };
  const server = createServer((socket) => {
    let id = "";
    let isOver = false;
    sockets.add(socket);
    socket.on("error", () => undefined);
    createInterface({ input: socket }).on("line", (line) => {
      const report = parse(line);
      if (!report) return;
      if ("started" in report) id = report.started;
      else isOver = true;
      if ("failed" in report) failSoon(workerFailed(report.failed));
    });
    socket.once("close", () => {
      sockets.delete(socket);
      if (!isOver) failSoon(bootDied(id));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return {
    failure,
    close() {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function parse(line: string): BootReport | undefined {
  try {
    return JSON.parse(line) as BootReport;
  } catch {
    // Cut off by the end of who wrote it.
    return undefined;
  }
}

function workerFailed(text: string): SnapshotError {
  return new SnapshotError("RUNNER_WORKER_DIED", `A worker process can't go on: ${text}`);
}

function bootDied(id: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_WORKER_DIED",
    `Worker ${id} or its boot program was killed in the middle of the job. The system may have run out of memory. Run it again: nothing half-done was kept.`,
  );
}
