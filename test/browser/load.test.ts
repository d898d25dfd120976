import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type LaunchedBrowser,
  type Site,
  installedBrowsers,
  launchBrowser,
  memoryPeaks,
  resetPeaks,
  startTestSite,
} from "./harness.js";
import type { Load } from "./page/load.js";

let site: Site;
beforeAll(async () => {
  site = await startTestSite();
});
afterAll(() => site.close());

describe.each(installedBrowsers())("100,000 records in %s", (name) => {
  let launched: LaunchedBrowser;
  beforeAll(async () => {
    launched = await launchBrowser(name);
  });
  afterAll(() => launched.close());

  test("are exported whole, in bounded memory, and imported again", async () => {
    const pid = launched.browser.process()!.pid!;
    const filling = await launched.open(site.origin);
    await filling.evaluate("beam.fill('many', 100000, 200)");
    await filling.close();
    const page = await launched.open(site.origin);
    await resetPeaks(pid);
    const before = await memoryPeaks(pid);
    const load = (await page.evaluate(
      "beam.exportAndDrop('many', { worker: true, staging: 'opfs' })",
    )) as Load;
    const after = await memoryPeaks(pid);
    const growth = Math.max(0, ...Array.from(after, ([process, peak]) => peak - (before.get(process) ?? 0)));
    process.stdout.write(
      `Export in ${name}: ${load.ms} ms, page stall ${load.stall} ms, ${load.bytes} bytes, ${growth.toFixed(0)} MB above start.\n`,
    );
    // Reading alone takes 100 MB of this, most of it garbage that the engine has not collected yet.
    expect(growth).toBeLessThan(200);
    await page.evaluate("beam.upload('many', '/files/many', {})");
    expect(await page.evaluate("beam.importFrom('/files/many', { into: 'copy' })")).toMatchObject({
      stores: [{ added: 100_000 }],
    });
    await page.close();
  });
});
