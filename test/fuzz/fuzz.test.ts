import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { examine, know } from "./examine.js";
import type { FuzzReport } from "./fuzz-reader.js";
import type { RoundTripReport } from "./fuzz-round-trips.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const corpus = fileURLToPath(new URL("corpus", import.meta.url));
const snapshotsIn = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".idbsnap"));

/** Ends by itself when the reader hangs; its heap is small, so that a runaway allocation ends it, too. */
async function fuzz(...options: string[]): Promise<{ code: number | null; report: unknown }> {
  const child = spawn(process.execPath, ["scripts/fuzz.mjs", ...options], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (text: Buffer) => (output += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  expect(output, `the process ended with exit code ${code} and no report`).not.toBe("");
  return { code, report: JSON.parse(output) as unknown };
}

test.each(snapshotsIn(corpus))("%s is a whole snapshot to start from", async (name) => {
  const bytes = new Uint8Array(readFileSync(join(corpus, name)));
  expect(bytes.length).toBeLessThan(8192);
  expect(await examine(bytes, [await know(bytes)])).toMatchObject({ refused: undefined, faults: [] });
});

test.each(snapshotsIn(join(corpus, "found")))("%s, which caused a fault once, causes none", async (name) => {
  const { faults, refused } = await examine(
    new Uint8Array(readFileSync(join(corpus, "found", name))),
    undefined,
  );
  expect({ faults, refused: typeof refused }).toEqual({ faults: [], refused: "string" });
});

test(
  "mutated snapshots, with their checksums mended or not, are refused or read; never a crash, a hang, or more memory than 64 MB",
  { timeout: 600_000 },
  async () => {
    const { code, report: printed } = await fuzz("--mutations", "50000", "--seed", "5");
    const report = printed as FuzzReport;
    expect(report.findings).toEqual([]);
    expect(report.mutations).toBe(50_000);
    // The forged files reach what is behind the checksums.
    expect(report.whole).toBeGreaterThan(1000);
    expect(report.refused.SNAPSHOT_MALFORMED).toBeGreaterThan(5000);
    expect(report.refused.SNAPSHOT_CHECKSUM_MISMATCH).toBeGreaterThan(5000);
    expect(code).toBe(0);
  },
);

test("the same seed gives the same mutations", { timeout: 120_000 }, async () => {
  const [one, again] = [
    await fuzz("--mutations", "300", "--seed", "9"),
    await fuzz("--mutations", "300", "--seed", "9"),
  ];
  const outcome = ({ report }: { report: unknown }) => {
    const { refused, whole } = report as FuzzReport;
    return { refused, whole };
  };
  expect(outcome(one)).toEqual(outcome(again));
});

test(
  "random values in ever new shapes come back equal, and encode to the same bytes again",
  { timeout: 600_000 },
  async () => {
    const { code, report: printed } = await fuzz("--roundTrips", "100000", "--seed", "1");
    const report = printed as RoundTripReport;
    expect(report.findings).toEqual([]);
    expect([report.roundTrips, code]).toEqual([100_000, 0]);
  },
);
