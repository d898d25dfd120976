import type { ClientDuplexStream } from "@grpc/grpc-js";
import { fnApi } from "../../beam/messages.js";
import { connect, openStream } from "../grpc/client.js";
import { logging } from "../grpc/method.js";

/** Entries that may wait for a runner that does not read its log. Later ones are counted, and the count is logged. */
const mostWaiting = 10_000;
const batch = 100;

/** How serious a log entry is, in Beam's words. */
export type Severity = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";

/** Which bundle and step an entry is about. */
export interface LogPlace {
  readonly instructionId?: string | undefined;
  readonly transformId?: string | undefined;
}

/** Where a worker's log goes. */
export interface WorkerLog {
  write(severity: Severity, message: string, place?: LogPlace): void;
  /** Sends what waits. Resolves when it is on its way, at the latest after a second. */
  close(): Promise<void>;
}

/** A log that the runner gets. When it can't be reached, the entries go to `fallback`. */
export function openWorkerLog(
  address: string,
  workerId: string,
  fallback: (line: string) => void,
): WorkerLog {
  const client = connect(address);
  const stream: ClientDuplexStream<fnApi.LogEntry_List, fnApi.LogControl> = openStream(
    client,
    logging.logging,
    { workerId },
  );
  let waiting: fnApi.LogEntry[] = [];
  let dropped = 0;
  let isBroken = false;
  let isScheduled = false;
  const giveUp = (): void => {
    isBroken = true;
    for (const entry of waiting) fallback(lineOf(entry));
    waiting = [];
  };
  const send = (): void => {
    isScheduled = false;
    while (waiting.length > 0 && !isBroken && !stream.writableNeedDrain) {
      const logEntries = waiting.splice(0, batch);
      if (dropped > 0) {
        const text = `${dropped} log entries came faster than the runner took them and are left out here.`;
        logEntries.push(entryOf("WARN", text, {}));
        dropped = 0;
      }
      stream.write({ logEntries });
    }
  };
  stream.on("drain", send);
  stream.on("data", () => undefined);
  stream.on("error", giveUp);
  return {
    write(severity, message, place = {}) {
      const entry = entryOf(severity, message, place);
      if (isBroken) fallback(lineOf(entry));
      else if (waiting.length >= mostWaiting) dropped++;
      else {
        waiting.push(entry);
        if (!isScheduled) {
          isScheduled = true;
          setImmediate(send);
        }
      }
    },
    async close() {
      send();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        stream.once("status", () => {
          clearTimeout(timer);
          resolve();
        });
        if (isBroken) resolve();
        stream.end();
      });
      client.close();
    },
  };
}

function entryOf(
  severity: Severity,
  message: string,
  { instructionId, transformId }: LogPlace,
): fnApi.LogEntry {
  const now = Date.now();
  return fnApi.LogEntry.create({
    severity: fnApi.LogEntry_Severity_Enum[severity],
    message,
    timestamp: { seconds: BigInt(Math.floor(now / 1000)), nanos: (now % 1000) * 1_000_000 },
    ...(instructionId === undefined ? {} : { instructionId }),
    ...(transformId === undefined ? {} : { transformId }),
  });
}

function lineOf({ severity, message }: fnApi.LogEntry): string {
  return `${fnApi.LogEntry_Severity_Enum[severity]} ${message}`;
}
