import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Bench } from "./bench.js";
import { type BenchRun, circumstances, reportJson, reportText } from "./report.js";

/** What is used of the process. */
export interface BenchTerminal {
  out(text: string): void;
  err(text: string): void;
}

const options = {
  json: { type: "boolean" },
  quick: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/**
 * Runs the named benches, or all, one after the other.
 *
 * @param onFolder Called with each scratch folder before it is used, so that a signal can remove it.
 * @returns The exit code: 0, 1 when a bench failed (the others are run and reported all the same), 2 for a wrong call.
 */
export async function runBenches(
  args: readonly string[],
  benches: readonly Bench[],
  terminal: BenchTerminal,
  onFolder: (folder: string) => void = () => undefined,
): Promise<number> {
  const call = parseCall(args);
  if (typeof call === "string") {
    terminal.err(`${call}\n\n${help(benches)}`);
    return 2;
  }
  const { values, positionals } = call;
  if (values.help) {
    terminal.out(help(benches));
    return 0;
  }
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    terminal.err(
      `There is no bench ${unknown.map((name) => JSON.stringify(name)).join(", ")}.\n\n${help(benches)}`,
    );
    return 2;
  }
  const chosen = benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const where = circumstances(values.quick ?? false);
  if (!values.json) {
    const note = where.quick ? "; --quick: no evidence" : "";
    terminal.out(`${where.date}, Node ${where.node}, ${where.machine}${note}\n`);
  }
  const runs: BenchRun[] = [];
  let failed = false;
  for (const bench of chosen) {
    try {
      const run = await runBench(bench, where.quick, terminal, onFolder);
      runs.push(run);
      if (!values.json) terminal.out(`\n${reportText(run)}`);
    } catch (error) {
      failed = true;
      terminal.err(
        `${bench.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
    }
  }
  if (values.json) terminal.out(reportJson(where, runs));
  return failed ? 1 : 0;
}

function parseCall(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    return (error as Error).message;
  }
}

async function runBench(
  bench: Bench,
  quick: boolean,
  terminal: BenchTerminal,
  onFolder: (folder: string) => void,
): Promise<BenchRun> {
  const folder = await mkdtemp(join(tmpdir(), "beam-indexeddb-bench-"));
  onFolder(folder);
  const start = performance.now();
  const progress = (text: string): void => {
    terminal.err(`[${bench.name} ${Math.round((performance.now() - start) / 1000)} s] ${text}\n`);
  };
  try {
    const result = await bench.run({ quick, progress, folder });
    return { bench, seconds: (performance.now() - start) / 1000, result };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function help(benches: readonly Bench[]): string {
  const width = Math.max(0, ...benches.map(({ name }) => name.length));
  return `Usage: npm run bench -- [name...] [--json] [--quick] [--help]

Measures, and prints each figure beside its target. Without names, all:
${benches.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}\n`).join("")}
  --json   Print the results as one JSON value (with \`npm run -s\`, nothing else).
  --quick  Small sizes: shows that the benches work; the figures are no evidence.

Progress goes to stderr. Scratch files lie in the system's folder for temporary files (TMPDIR) and are removed at the end.
`;
}
