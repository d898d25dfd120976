import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type LaunchedBrowser,
  type Site,
  installedBrowsers,
  launchBrowser,
  pageProcesses,
  startTestSite,
} from "./harness.js";

/** How often a tab dies in each test, each time at another point. */
const rounds = 20;
/** Of the source: several batches of the export, several transactions of the import. */
const records = 300;
const recordBytes = 30_000;

let site: Site;
beforeAll(async () => {
  site = await startTestSite();
});
afterAll(() => site.close());

describe.each(installedBrowsers())("a tab of %s that dies", (name) => {
  let launched: LaunchedBrowser;
  let whole: string;
  beforeAll(async () => {
    launched = await launchBrowser(name);
    const page = await launched.open(site.origin);
    await page.evaluate(`beam.fill("source", ${records}, ${recordBytes})`);
    await page.evaluate(`beam.exportToFile("source", "whole")`);
    whole = (await page.evaluate(`beam.exportHash("source")`)) as string;
    await page.close();
  });
  afterAll(() => launched.close());

  /**
   * Starts what will not end, and ends the tab when it has got to its point or, where it cannot be held there, has gone past it. Returns the
   * tab in which a person would go on.
   */
  const cutOff = async (page: Page, call: string, how: "closed" | "crashed"): Promise<Page> => {
    await page.evaluate(
      `void ${call}.then(() => { globalThis.reached = true }, (error) => { globalThis.failed = String(error) })`,
    );
    await page.waitForFunction("globalThis.reached || globalThis.failed", { polling: 5 });
    expect(await page.evaluate("globalThis.failed")).toBe(undefined);
    if (how === "crashed") await crash(launched, page);
    else await page.close();
    return launched.open(site.origin);
  };

  test.each(["closed", "crashed"] as const)(
    `leaves the file of its last export as it was (${rounds} times %s)`,
    async (how) => {
      let page = await launched.open(site.origin);
      const before: unknown = await page.evaluate(`beam.fileHash("whole")`);
      for (let round = 0; round < rounds; round++) {
        const point =
          round % 2 === 0
            ? { records: Math.ceil((records * round) / rounds), chunks: 0 }
            : { chunks: Math.floor((round * 60) / rounds) };
        page = await cutOff(page, `beam.exportUntil("source", "whole", ${JSON.stringify(point)})`, how);
        expect(await page.evaluate(`beam.fileHash("whole")`)).toBe(before);
        expect(await page.evaluate(`beam.exportHash("source")`)).toBe(whole);
        expect(await page.evaluate("beam.scratchFiles()")).toEqual([]);
      }
      await page.close();
    },
    240_000,
  );

  test.each(["closed", "crashed"] as const)(
    `leaves the target of its import untouched, or such that the same import finishes it (${rounds} times %s)`,
    async (how) => {
      let page = await launched.open(site.origin);
      const seen = { untouched: 0, partly: 0, whole: 0 };
      for (let round = 0; round < rounds; round++) {
        const own = round % 4 < 2 ? 0 : 5;
        const hold = round % 2 === 0;
        const at = Math.floor((records * (round + 1)) / (rounds + 2));
        // What goes into a store with records is looked at twice: when conflicts are looked for, and when it is stored.
        const looks = hold && own > 0 && round >= rounds / 4 ? records : 0;
        const point = { hold, records: looks + at };
        await page.evaluate(`beam.prepareTarget("target", ${own})`);
        page = await cutOff(page, `beam.importUntil("whole", "target", ${JSON.stringify(point)})`, how);
        const ids = ((await page.evaluate(`beam.idsIn("target")`)) as number[] | undefined) ?? [];
        const unfinished = (await page.evaluate("beam.unfinishedImports()")) as unknown[];
        // Its own records stay, and what came is the beginning of the file: whole transactions, in order.
        expect(ids.slice(0, own)).toEqual(Array.from({ length: own }, (_, at) => at - own));
        expect(ids.slice(own)).toEqual(Array.from({ length: ids.length - own }, (_, at) => at));
        const came = ids.length - own;
        // The page was told of these, so nothing may take them back.
        if (!hold) expect(came).toBeGreaterThanOrEqual(at);
        if (came > 0 && came < records)
          expect(unfinished).toMatchObject([{ database: "target", created: own === 0 }]);
        seen[came === 0 ? "untouched" : came < records ? "partly" : "whole"]++;
        expect(await page.evaluate(`beam.importFile("whole", "target")`)).toMatchObject({
          resumed: unfinished.length > 0,
          stores: [{ added: records - came, unchanged: came }],
        });
        if (own === 0) expect(await page.evaluate(`beam.exportHash("target")`)).toBe(whole);
        expect(await page.evaluate(`beam.idsIn("target")`)).toEqual(
          Array.from({ length: records + own }, (_, at) => at - own),
        );
        expect(await page.evaluate("beam.unfinishedImports()")).toEqual([]);
      }
      await page.close();
      // At the points of those that are held in the second half, the transaction before the last one has completed.
      expect(seen.partly).toBeGreaterThanOrEqual(rounds / 4);
    },
    240_000,
  );
});

/** The process of the page ends as in a crash. Firefox tells nobody whose process is whose: all that run pages end. */
async function crash({ name, browser }: LaunchedBrowser, page: Page): Promise<void> {
  if (name === "chromium") {
    const crashed = new Promise((resolve) => page.once("error", resolve));
    const session = await page.createCDPSession();
    session.send("Page.crash").catch(() => undefined);
    await crashed;
  } else {
    for (const pid of await pageProcesses(browser.process()!.pid!)) process.kill(pid, "SIGKILL");
  }
  await page.close().catch(() => undefined);
}
