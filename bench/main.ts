import { rmSync } from "node:fs";
import { benches } from "./catalog.js";
import { endChildren } from "./child.js";
import { runBenches } from "./run-benches.js";

const folders: string[] = [];

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => {
    endChildren();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(code);
  });
}

process.exitCode = await runBenches(
  process.argv.slice(2),
  benches,
  {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  },
  (folder) => void folders.push(folder),
);
