/** The boot program by itself: what a runner starts for a worker, as a process or in a container. */
import { fileURLToPath } from "node:url";
import { boot } from "./boot.js";

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    stop.abort();
  });
}

void boot(process.argv.slice(2), {
  program: fileURLToPath(import.meta.url),
  printError: (line) => void process.stderr.write(`${line}\n`),
  signal: stop.signal,
}).then((code) => {
  process.exit(code);
});
