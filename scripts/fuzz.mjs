// `npm run fuzz -- --help` says what it does. The work is done in a child with a small heap, which is ended when it is silent for too long: a hang and a
// runaway allocation are findings, too.
import { fork } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const heapMegabytes = 160;
const silenceMs = 60_000;
const root = fileURLToPath(new URL("..", import.meta.url));
const bundle = `${root}.cache/fuzz/main-${process.pid}.mjs`;

await build({
  entryPoints: [`${root}test/fuzz/main.ts`],
  outfile: bundle,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
});

const child = fork(bundle, process.argv.slice(2), {
  cwd: root,
  execArgv: [`--max-old-space-size=${heapMegabytes}`],
});
let silence;
let done = 0;
let hung = false;
const listen = () => {
  clearTimeout(silence);
  silence = setTimeout(() => {
    hung = true;
    child.kill("SIGKILL");
  }, silenceMs);
};
listen();
child.on("message", (message) => {
  done = message.done;
  listen();
  if (process.stderr.isTTY) process.stderr.write(`\r${done} done, ${message.findings} findings `);
});
child.on("exit", (code, signal) => {
  rmSync(bundle, { force: true });
  clearTimeout(silence);
  // 0: no finding, 1: findings, 2: the call cannot be meant; the child has said so itself.
  if (![0, 1, 2].includes(code))
    process.stderr.write(
      `The process ${hung ? "was silent for a minute" : `ended (${signal ?? code})`} after ${done} were done: the next thousand hold the input.\n`,
    );
  process.exitCode = code ?? 2;
});
