#!/usr/bin/env node
import { discardTempFolders } from "../io/index.js";
import type { Terminal } from "./command.js";
import { exitOnSignal } from "./exit-on-signal.js";
import { interruptAll, onlyServicesRun } from "./interruptible.js";
import { main } from "./main.js";
import { report } from "./report.js";

const terminal: Terminal = {
  out(text) {
    if (process.stdout.write(text)) return undefined;
    return new Promise((resolve) => process.stdout.once("drain", resolve));
  },
  err: (text) => void process.stderr.write(text),
  isInteractive: process.stderr.isTTY,
};

// `beam-indexeddb cat file | head` closes the pipe early: that is the end, not a fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : report(error, false, terminal));
});
// Nobody reads the messages any more.
process.stderr.on("error", () => undefined);
process.on("uncaughtException", (error) => {
  process.exit(report(error, false, terminal));
});
exitOnSignal(
  process,
  terminal,
  async () => {
    // Jobs first: their workers still write.
    await interruptAll();
    await discardTempFolders();
  },
  onlyServicesRun,
);

process.exitCode = await main(process.argv.slice(2), terminal);
