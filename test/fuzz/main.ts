import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fuzzRoundTrips } from "./fuzz-round-trips.js";
import { fuzzReader } from "./fuzz-reader.js";
import { fuzzHelp, type FuzzRun, FuzzUsageError, readFuzzRun } from "./fuzz-run.js";
import { seedSnapshots } from "./seed-snapshots.js";

/** What `npm run fuzz` runs, in a process of its own. Progress goes to the parent, which knows from it that this process still lives. */
try {
  await run(readFuzzRun(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof FuzzUsageError)) throw error;
  process.stderr.write(`${error.message} See npm run fuzz -- --help.\n`);
  process.exitCode = 2;
}

async function run(asked: FuzzRun): Promise<void> {
  switch (asked.kind) {
    case "help":
      process.stdout.write(fuzzHelp);
      return;
    case "writeSeeds":
      mkdirSync(asked.corpus, { recursive: true });
      for (const [name, bytes] of await seedSnapshots())
        writeFileSync(join(asked.corpus, `${name}.idbsnap`), bytes);
      return;
    case "roundTrips":
      print(
        fuzzRoundTrips({
          ...asked,
          onProgress: ({ roundTrips: done, findings }) => process.send?.({ done, findings: findings.length }),
        }),
      );
      return;
    case "mutations": {
      const { minutes, corpus } = asked;
      print(
        await fuzzReader(snapshotsIn(corpus), {
          ...asked,
          until: minutes === undefined ? undefined : Date.now() + minutes * 60_000,
          onProgress: ({ mutations: done, findings }) => process.send?.({ done, findings: findings.length }),
        }),
      );
    }
  }
}

function snapshotsIn(corpus: string): Uint8Array[] {
  const names = existsSync(corpus) ? readdirSync(corpus).filter((name) => name.endsWith(".idbsnap")) : [];
  if (names.length === 0) throw new FuzzUsageError(`There are no snapshots (*.idbsnap) in "${corpus}".`);
  return names.sort().map((name) => new Uint8Array(readFileSync(join(corpus, name))));
}

function print(report: { readonly findings: readonly unknown[] }): void {
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  if (report.findings.length > 0) process.exitCode = 1;
}
