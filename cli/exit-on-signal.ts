import { exitCodes, type Terminal } from "./command.js";

/** What is used of `process`. */
export interface SignalledProcess {
  once(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
  exit(code: number): void;
}

/** Ctrl-C ends a command with one sentence and without remains: what is being published is completed first. A second Ctrl-C ends it at once. */
export function exitOnSignal(
  process: SignalledProcess,
  terminal: Terminal,
  cleanUp: () => Promise<void>,
  isExpected: () => boolean = () => false,
): void {
  let stopping = false;
  const stop = (code: number) => () => {
    if (stopping) {
      process.exit(code);
      return;
    }
    stopping = true;
    process.once("SIGINT", stop(exitCodes.interrupted));
    if (!isExpected()) {
      terminal.err(
        `${terminal.isInteractive ? "\r\x1b[K" : ""}beam-indexeddb: interrupted before the end: run it again to get the whole result.\n`,
      );
    }
    const end = (): void => {
      process.exit(code);
    };
    cleanUp().then(end, end);
  };
  process.once("SIGINT", stop(exitCodes.interrupted));
  process.once("SIGTERM", stop(exitCodes.terminated));
}
