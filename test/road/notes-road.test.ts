import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startNotes } from "../../examples/notes/serve.mjs";
import { openSnapshot } from "../../io/index.js";
import { sync } from "../../pipelines/index.js";
import { createRunner } from "../../runners/index.js";
import { type BrowserName, browserNames, isMissing, launchBrowser } from "../browser/harness.js";
import { temporaryFolder } from "../temporary-folder.js";

/** Where screenshots go, to be looked at: only when asked for. */
const screenshots = process.env.SCREENSHOTS;

const devices = ["phone", "laptop", "tablet"] as const;

/** What a merge by the time of the last edit gives: see the table in examples/notes/seed.ts. */
const mergedTitles = [
  "Band practice",
  "Grandma's lentil soup",
  "Groceries",
  "Ideas",
  "Minutes, Monday",
  "On the way home",
  "Sketch",
  "Trip to Lisbon",
];

let site: { readonly url: string; close(): Promise<void> };
beforeAll(async () => {
  site = await startNotes();
});
afterAll(async () => {
  await site.close();
});

describe.each(browserNames)("in %s", (name) => {
  test.skipIf(isMissing(name))(
    "notes of three devices travel through the pipeline into a fourth, and the app shows them merged",
    async () => {
      const folder = temporaryFolder();
      for (const device of devices)
        writeFileSync(join(folder, `${device}.idbsnap`), await exportDevice(name, device));
      await createRunner().run(
        sync({
          input: join(folder, "*.idbsnap"),
          output: join(folder, "out"),
          by: "updatedAt",
          stores: ["notes"],
        }),
      );
      const merged = join(folder, "out/merged-00000-of-00001.idbsnap");
      await using snapshot = await openSnapshot(merged);
      await snapshot.verify();
      const shown = await importAndLook(name, merged);
      expect(shown.faults).toEqual([]);
      expect(shown.status).toMatch(/new/);
      expect(shown.titles.length).toBe(snapshot.summary.records - shown.deletedNotes);
      expect(shown.pictures).toBeGreaterThan(0);
      expect(shown.brokenPictures).toBe(0);
      expect(shown.titles).toEqual(mergedTitles);
    },
    180_000,
  );
});

/** A fresh profile plays the device and exports its notes. */
async function exportDevice(name: BrowserName, device: string): Promise<Uint8Array> {
  const browser = await launchBrowser(name);
  try {
    const page = await browser.open(`${site.url}?demo`);
    const base64 = await page.evaluate(async (seeded) => {
      const app = (window as unknown as { notesApp: NotesApp }).notesApp;
      await app.ready;
      await app.seed(seeded);
      const bytes = new Uint8Array(await (await app.exportBytes(seeded)).arrayBuffer());
      let text = "";
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text);
    }, device);
    if (screenshots) await screenshot(page, `${name}-${device}`);
    return Buffer.from(base64, "base64");
  } finally {
    await browser.close();
  }
}

interface NotesApp {
  readonly ready: Promise<void>;
  seed(device: string): Promise<void>;
  exportBytes(device: string): Promise<Blob>;
}

/** Another fresh profile imports the file by the button a person would use. */
async function importAndLook(name: BrowserName, file: string) {
  const browser = await launchBrowser(name);
  try {
    const page = await browser.open(site.url);
    const input = await page.waitForSelector("#import-file");
    await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(file);
    await page.waitForFunction(() => document.querySelector("#status")?.textContent.includes("new"), {
      timeout: 60_000,
    });
    await page.waitForFunction(() =>
      [...document.querySelectorAll("#notes img")].every((image) => (image as HTMLImageElement).complete),
    );
    if (screenshots) await screenshot(page, `${name}-merged`);
    const shown = await page.evaluate(async () => {
      const images = [...document.querySelectorAll<HTMLImageElement>("#notes img")];
      const open = indexedDB.open("notes");
      const db = await new Promise<IDBDatabase>((resolve) => {
        open.onsuccess = () => {
          resolve(open.result);
        };
      });
      const all = db.transaction("notes").objectStore("notes").getAll() as IDBRequest<{ deleted: boolean }[]>;
      await new Promise((resolve) => {
        all.onsuccess = resolve;
      });
      db.close();
      return {
        status: document.querySelector("#status")?.textContent ?? "",
        titles: [...document.querySelectorAll("#notes h3")].map((title) => title.textContent).sort(),
        pictures: images.length,
        brokenPictures: images.filter((image) => image.naturalWidth === 0).length,
        deletedNotes: all.result.filter(({ deleted }) => deleted).length,
      };
    });
    return { ...shown, faults: browser.faults };
  } finally {
    await browser.close();
  }
}

async function screenshot(
  page: { screenshot(options: { path: string }): Promise<unknown> },
  name: string,
): Promise<void> {
  mkdirSync(screenshots!, { recursive: true });
  await page.screenshot({ path: join(screenshots!, `${name}.png`) });
}
