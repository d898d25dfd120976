import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { webPlatform } from "../../snapshot/index.js";
import { nodePlatform } from "../../io/node-platform.js";
import { examine, type Known, know } from "./examine.js";
import { mutateBytes } from "./mutate-bytes.js";
import { mutateSnapshot } from "./mutate-snapshot.js";
import { type Random, randomFrom } from "./random.js";
import { takeApart } from "./snapshot-parts.js";

export interface FuzzOptions {
  readonly seed: number;
  /** Number of the first mutation; a finding is repeated by starting at it. Default 0. */
  readonly from?: number | undefined;
  /** How many mutations. */
  readonly mutations: number;
  /** Stops before that many when this time (Date.now()) has come. */
  readonly until?: number | undefined;
  /** Where inputs that cause a fault are kept. */
  readonly findings?: string | undefined;
  readonly onProgress?: ((report: FuzzReport) => void) | undefined;
}

export interface FuzzReport {
  mutations: number;
  readonly refused: Record<string, number>;
  /** Forged files that were read as whole ones: their checksums fit. */
  whole: number;
  slowestMs: number;
  /** Mutations that took over a second of the processor's time. */
  readonly slow: number[];
  mostAllocatedBytes: number;
  /** Growth of the process's resident memory. */
  residentBytes: number;
  readonly findings: { readonly mutation: number; readonly faults: readonly string[] }[];
}

const slowMs = 1000;
/** What reading a file may allocate, beyond its input. */
const maxAllocatedBytes = 64 << 20;

/** Mutates files and reads them. The same seed and number give the same mutation, whatever came before. */
export async function fuzzReader(files: readonly Uint8Array[], options: FuzzOptions): Promise<FuzzReport> {
  const intact = await Promise.all(files.map(know));
  const parts = files.map(takeApart);
  const startedAt = process.resourceUsage().maxRSS * 1024;
  const report: FuzzReport = {
    mutations: 0,
    refused: {},
    whole: 0,
    slowestMs: 0,
    slow: [],
    mostAllocatedBytes: 0,
    residentBytes: 0,
    findings: [],
  };
  const from = options.from ?? 0;
  for (let n = from; n < from + options.mutations; n++) {
    if (options.until !== undefined && n % 64 === 0 && Date.now() >= options.until) break;
    const random = randomFrom(options.seed, n);
    const forged = random.once(2);
    const [file, other] = [random.below(files.length), random.below(files.length)];
    const bytes = forged
      ? mutateSnapshot(parts[file]!, random, parts[other]!)
      : mutateBytes(files[file]!, random, files[other]);
    await examineOne(bytes, forged ? undefined : intact, n, random, report, options.findings);
    report.mutations++;
    if (n % 1000 === 999) {
      report.residentBytes = process.resourceUsage().maxRSS * 1024 - startedAt;
      options.onProgress?.(report);
    }
  }
  report.residentBytes = process.resourceUsage().maxRSS * 1024 - startedAt;
  return report;
}

async function examineOne(
  bytes: Uint8Array,
  intact: readonly Known[] | undefined,
  mutation: number,
  random: Random,
  report: FuzzReport,
  folder: string | undefined,
): Promise<void> {
  // Browsers' way to inflate is slow to start: a few of it are enough.
  const platform = random.once(200) ? webPlatform : nodePlatform;
  const { refused, faults, milliseconds, allocatedBytes } = await examine(bytes, intact, platform);
  report.slowestMs = Math.max(report.slowestMs, milliseconds);
  report.mostAllocatedBytes = Math.max(report.mostAllocatedBytes, allocatedBytes - bytes.length);
  if (milliseconds > slowMs) report.slow.push(mutation);
  if (refused === undefined) report.whole++;
  else report.refused[refused] = (report.refused[refused] ?? 0) + 1;
  const all = [
    ...faults,
    ...(allocatedBytes - bytes.length > maxAllocatedBytes ? [`allocated ${allocatedBytes} bytes`] : []),
  ];
  if (all.length === 0) return;
  report.findings.push({ mutation, faults: all.slice(0, 5) });
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${mutation}.idbsnap`), bytes);
}
