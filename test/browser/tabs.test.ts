import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SnapshotReader, bytesSource, toHex } from "../../snapshot/index.js";
import {
  type LaunchedBrowser,
  type Site,
  installedBrowsers,
  launchBrowser,
  startTestSite,
} from "./harness.js";

const installed = installedBrowsers();

let site: Site;
const launched = new Map<string, LaunchedBrowser>();
beforeAll(async () => {
  site = await startTestSite("service-worker");
  for (const name of installed) launched.set(name, await launchBrowser(name));
});
afterAll(async () => {
  for (const browser of launched.values()) await browser.close();
  await site.close();
});

const openTab = (name: string): Promise<Page> => launched.get(name)!.open(site.origin);
/** Starts something in the page and does not wait for it. */
const begin = (page: Page, call: string): Promise<unknown> =>
  page.evaluate(`void (globalThis.begun = ${call}.catch(String))`);

describe.each(installed)("several tabs of %s", (name) => {
  test.each([true, false])(
    "take consistent snapshots while another tab writes (worker: %s)",
    async (worker) => {
      const [reader, writer] = [await openTab(name), await openTab(name)];
      await reader.evaluate("beam.openBank()");
      await begin(writer, "beam.moveMoney()");
      const sums: unknown[] = [];
      for (let round = 0; round < 50; round++)
        sums.push(await reader.evaluate(`beam.snapshotSum(${worker})`));
      await writer.evaluate("beam.stopMoving()");
      expect(await writer.evaluate("begun")).toBeGreaterThan(50);
      expect(sums).toEqual(Array.from({ length: 50 }, () => 80_000));
      await reader.close();
      await writer.close();
    },
  );

  test("finish an import that a closed tab left half done", async () => {
    const first = await openTab(name);
    await first.evaluate("beam.fill('source', 300, 60000)");
    await first.evaluate("beam.upload('source', '/files/source.idbsnap', {})");
    await begin(
      first,
      "beam.importFrom('/files/source.idbsnap', { into: 'target', onProgress: ({ phase, records }) => { if (phase === 'import') globalThis.written = records } })",
    );
    await first.waitForFunction("globalThis.written > 30", { polling: 5 });
    await first.close();
    const second = await openTab(name);
    expect(await second.evaluate("beam.unfinishedImports()")).toMatchObject([
      { database: "target", created: true },
    ]);
    const result = (await second.evaluate(
      "beam.importFrom('/files/source.idbsnap', { into: 'target' })",
    )) as {
      resumed: boolean;
      stores: { added: number; unchanged: number }[];
    };
    expect(result.resumed).toBe(true);
    expect(result.stores[0]!.added + result.stores[0]!.unchanged).toBe(300);
    expect(result.stores[0]!.unchanged).toBeGreaterThan(30);
    expect(await second.evaluate("beam.sameStores('source', 'target')")).toBe("");
    expect(await second.evaluate("beam.unfinishedImports()")).toEqual([]);
    await second.close();
  });

  test("export again after a tab was closed in the middle of an export", async () => {
    const first = await openTab(name);
    await first.evaluate("beam.fill('large', 300, 60000)");
    await begin(first, "beam.exportAndDrop('large', { onProgress: () => {} })");
    await first.close();
    const second = await openTab(name);
    expect(
      ((await second.evaluate("beam.exportAndDrop('large', {})")) as { bytes: number }).bytes,
    ).toBeGreaterThan(18_000_000);
    expect(await second.evaluate("beam.scratchFiles()")).toEqual([]);
    await second.close();
  });

  test.each(
    ["read", "write"].flatMap((phase) => [
      [phase, true],
      [phase, false],
    ]),
  )(
    "upgrade a database in the phase %s of its export (worker: %s): both go through",
    async (phase, worker) => {
      const [first, second] = [await openTab(name), await openTab(name)];
      await first.evaluate("beam.fill('upgraded', 200, 60000)");
      await begin(first, `beam.exportWhole('upgraded', { worker: ${worker} }, '${phase}')`);
      await first.waitForFunction("globalThis.reached", { polling: 5 });
      expect(await second.evaluate("beam.upgrade('upgraded', 2)")).toBe(2);
      expect(await first.evaluate("begun")).toEqual({ version: 1, records: 200 });
      expect(await first.evaluate("beam.exportWhole('upgraded', {})")).toEqual({ version: 2, records: 200 });
      await first.close();
      await second.close();
    },
  );

  test("export inside a service worker", async () => {
    const page = await openTab(name);
    await page.evaluate("beam.fill('served', 50, 500)");
    expect(await page.evaluate("beam.exportInServiceWorker('served')")).toMatchObject({ records: 50 });
    await page.close();
  });
});

test.skipIf(installed.length < 2)("Chromium and Firefox give each other the same record bytes", async () => {
  const [chromium, firefox] = [await openTab("chromium"), await openTab("firefox")];
  await chromium.evaluate("beam.fillPortable('portable')");
  await chromium.evaluate("beam.upload('portable', '/files/1', {})");
  await firefox.evaluate("beam.importFrom('/files/1', { worker: false })");
  await firefox.evaluate("beam.upload('portable', '/files/2', {})");
  await chromium.evaluate("beam.importFrom('/files/2', { into: 'back', worker: false })");
  await chromium.evaluate("beam.upload('back', '/files/3', {})");
  const [one, two, three] = await Promise.all(
    ["1", "2", "3"].map((file) => recordBytes(site.files.get(file)!)),
  );
  expect(one!.length).toBeGreaterThan(35);
  expect(two).toEqual(one);
  expect(three).toEqual(one);
});

async function recordBytes(bytes: Uint8Array): Promise<string[]> {
  const reader = await SnapshotReader.open(bytesSource(bytes));
  await reader.verify();
  const records: string[] = [JSON.stringify({ ...reader.schema, name: "" })];
  for await (const { store, keyBytes, valueBytes } of reader.records()) {
    records.push(`${store} ${toHex(keyBytes)} ${toHex(valueBytes!)}`);
  }
  return records;
}
