import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { SnapshotError } from "../../snapshot/index.js";

/** A program to start. */
export interface ProcessDescription {
  /** For messages: "The Flink job server". */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A folder that is removed when the process has ended, however it ends. */
  readonly scratchFolder?: string | undefined;
  /** Called with each line that it prints. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** A program that runs. */
export interface RunningProcess {
  /** Resolves when it has ended for any reason, with its exit code where it had one. */
  readonly exited: Promise<number | null>;
  /** Rejects with RUNNER_SERVICE_FAILED when it ends without being stopped. */
  readonly failure: Promise<never>;
  /** The end of what it printed. */
  lastLines(): readonly string[];
  /** Ends it and all processes that it started, and waits for that. Can be called twice. */
  stop(): Promise<void>;
}

const keptLines = 200;
const shownLines = 12;

/**
 * The shell between this process and the program. It holds the reading end of a pipe from this process (3). When that closes, because of `stop` or because this
 * process died in whatever way, the whole process group is ended: asked to first, killed after five seconds. So nothing is left behind, not even after SIGKILL. Whoever waits for that holds the standard output until all is done.
 */
const supervisor = `
scratch=$1; shift
"$@" 3<&- &
pid=$!
trap : TERM INT HUP
(
  trap "" TERM INT HUP
  cat <&3 >/dev/null
  kill -TERM 0
  n=0
  while [ "$n" -lt 50 ] && kill -0 "$pid"; do sleep 0.1; n=$((n + 1)); done
  if [ -n "$scratch" ]; then rm -rf "$scratch"; fi
  kill -KILL 0
) 2>/dev/null &
exec 3<&- >/dev/null 2>&1
wait "$pid"
code=$?
while [ "$code" -gt 128 ] && kill -0 "$pid" 2>/dev/null; do wait "$pid"; code=$?; done
exit "$code"
`;

/** Starts a program under a supervisor, in a process group of its own: Ctrl-C at the terminal does not reach it, `stop` does. */
export function startProcess(description: ProcessDescription): RunningProcess {
  const { title, command, args, env, scratchFolder = "", onLine } = description;
  const child = spawn("/bin/sh", ["-c", supervisor, "supervisor", scratchFolder, command, ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const lifeline = child.stdio[3] as Writable;
  // The supervisor's end may close first.
  lifeline.on("error", () => undefined);
  const lines: string[] = [];
  for (const output of [child.stdout, child.stderr] as Readable[])
    createInterface({ input: output }).on("line", (line) => {
      lines.push(plain(line));
      onLine?.(lines.at(-1)!);
      if (lines.length > keptLines) lines.shift();
    });
  let stopping = false;
  const exited = new Promise<number | null>((done) => {
    child.once("error", () => {
      done(null);
    });
    child.once("exit", () => {
      // What the program had started goes with it.
      lifeline.destroy();
    });
    child.once("close", done);
  });
  const failure = new Promise<never>((_, reject) => {
    child.once("error", (cause) => {
      reject(
        new SnapshotError("RUNNER_SERVICE_FAILED", `${title} could not be started: ${cause.message}`, {
          cause,
        }),
      );
    });
    child.once("close", (code, signal) => {
      if (!stopping) reject(endedEarly(title, code, signal, lines));
    });
  });
  failure.catch(() => undefined);
  return {
    exited,
    failure,
    lastLines: () => lines,
    async stop() {
      stopping = true;
      lifeline.destroy();
      await exited;
    },
  };
}

function endedEarly(
  title: string,
  code: number | null,
  signal: string | null,
  lines: readonly string[],
): SnapshotError {
  const how =
    code === null
      ? `was killed by ${signal ?? "a signal"}`
      : code > 128
        ? `was ended by signal ${code - 128}`
        : `ended with exit code ${code}`;
  const said = lastWords(lines).join("\n");
  return new SnapshotError(
    "RUNNER_SERVICE_FAILED",
    `${title} ${how} while it was needed.${said === "" ? "" : ` Its last lines:\n${said}`}`,
    { cause: lines.join("\n") },
  );
}

/** What a crash begins with, in Go, Java and Python: what comes before tells nothing, and what comes long after neither. */
const crash = /^(panic:|fatal error:|Exception in thread|Error:|Traceback)/;

/** Of what a program printed, the lines that tell why it ended. */
export function lastWords(lines: readonly string[]): readonly string[] {
  const start = lines.findLastIndex((line) => crash.test(line));
  return start < 0 ? lines.slice(-shownLines) : lines.slice(start, start + shownLines);
}

/** Without the colours of a terminal. */
function plain(line: string): string {
  return line.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, "").replaceAll("\t", "    ");
}
