import { format } from "node:util";
import type { Severity } from "./worker-log.js";

const severities = {
  debug: "DEBUG",
  log: "INFO",
  info: "INFO",
  warn: "WARN",
  error: "ERROR",
  trace: "DEBUG",
} as const satisfies Record<string, Severity>;

/** Sends what this process writes to its console and its standard streams to `write`, a line or a call at a time. For good. */
export function captureConsole(write: (severity: Severity, text: string) => void): void {
  for (const [method, severity] of Object.entries(severities)) {
    // eslint-disable-next-line no-console -- a worker has no other console
    console[method as keyof typeof severities] = (...values: unknown[]) => {
      write(severity, format(...values));
    };
  }
  captureStream(process.stdout, (line) => {
    write("INFO", line);
  });
  captureStream(process.stderr, (line) => {
    write("ERROR", line);
  });
}

function captureStream(stream: NodeJS.WriteStream, write: (line: string) => void): void {
  let rest = "";
  stream.write = (chunk: string | Uint8Array, ...more: unknown[]): boolean => {
    const lines = (rest + (typeof chunk === "string" ? chunk : Buffer.from(chunk).toString())).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) write(line);
    const done = more.find((value) => typeof value === "function") as (() => void) | undefined;
    if (done) queueMicrotask(done);
    return true;
  };
}
