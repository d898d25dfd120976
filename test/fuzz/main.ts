import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fuzzRoundTrips } from "./fuzz-round-trips.js";
import { fuzzReader } from "./fuzz-reader.js";
import { seedSnapshots } from "./seed-snapshots.js";

/** What `npm run fuzz` runs, in a process of its own. Progress goes to the parent, which knows from it that this process still lives. */
const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    mutations: { type: "string" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    corpus: { type: "string" },
    findings: { type: "string" },
    roundTrips: { type: "string" },
    writeSeeds: { type: "boolean", default: false },
  },
});
const corpus = values.corpus ?? "test/fuzz/corpus";

if (values.writeSeeds) {
  mkdirSync(corpus, { recursive: true });
  for (const [name, bytes] of await seedSnapshots()) writeFileSync(join(corpus, `${name}.idbsnap`), bytes);
} else if (values.roundTrips !== undefined) {
  const report = fuzzRoundTrips({
    seed: Number(values.seed),
    from: Number(values.from),
    roundTrips: Number(values.roundTrips),
    onProgress: ({ roundTrips: done, findings }) => process.send?.({ done, findings: findings.length }),
  });
  print(report);
} else {
  const files = readdirSync(corpus)
    .filter((name) => name.endsWith(".idbsnap"))
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(corpus, name))));
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  const mutations = values.mutations === undefined ? undefined : Number(values.mutations);
  const report = await fuzzReader(files, {
    seed: Number(values.seed),
    from: Number(values.from),
    mutations: mutations ?? (minutes === undefined ? 100_000 : Infinity),
    until: minutes === undefined ? undefined : Date.now() + minutes * 60_000,
    findings: values.findings,
    onProgress: ({ mutations: done, findings }) => process.send?.({ done, findings: findings.length }),
  });
  print(report);
}

function print(report: { readonly findings: readonly unknown[] }): void {
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  if (report.findings.length > 0) process.exitCode = 1;
}
