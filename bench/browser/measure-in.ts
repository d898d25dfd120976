import type { LaunchedBrowser } from "./launch-browser.js";
import { memoryPeaks, resetPeaks } from "./process-memory.js";

/** What one contender did in one run. */
export interface Sample {
  readonly ms: number;
  readonly transactionMs: number;
  /** Longest gap of a 5 ms timer in the page. */
  readonly stallMs: number;
  /** Of the file; 0 where there is none. */
  readonly bytes: number;
  /** Highest growth of any process that the browser had at the start: the page's, in practice. */
  readonly megabytes: number;
}

/** Runs one call of the page's `bench` in a page of its own, which is closed afterwards. */
export async function measureIn(launched: LaunchedBrowser, origin: string, call: string): Promise<Sample> {
  const page = await launched.open(origin);
  const pid = launched.browser.process()?.pid ?? 0;
  await resetPeaks(pid);
  const before = await memoryPeaks(pid);
  const run = (await page.evaluate(`bench.${call}`)) as Omit<Sample, "megabytes">;
  const after = await memoryPeaks(pid);
  await page.close();
  const growths = Array.from(before, ([process, start]) => (after.get(process) ?? 0) - start);
  return { ...run, megabytes: Math.max(0, ...growths) };
}
