// Makes examples/devices/*.idbsnap: a real Chromium opens the notes app as three devices, each with its own edits, and exports.
// Usage: node scripts/make-devices.mjs (CHROMIUM_PATH names another browser than the `chromium` on PATH)
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";
import { startNotes } from "../examples/notes/serve.mjs";

const folder = fileURLToPath(new URL("../examples/devices/", import.meta.url));
await mkdir(folder, { recursive: true });
const notes = await startNotes();
try {
  for (const device of ["phone", "laptop", "tablet"]) {
    const userDataDir = await mkdtemp(join(tmpdir(), "beam-indexeddb-device-"));
    const browser = await puppeteer.launch({
      executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
      headless: true,
      userDataDir,
      args: ["--no-sandbox", "--disable-background-networking", "--no-first-run"],
    });
    const page = await browser.newPage();
    await page.goto(`${notes.url}?demo`, { waitUntil: "load" });
    const base64 = await page.evaluate(async (name) => {
      const { notesApp } = window;
      await notesApp.ready;
      await notesApp.seed(name);
      const bytes = new Uint8Array(await (await notesApp.exportBytes(name)).arrayBuffer());
      let text = "";
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text);
    }, device);
    await writeFile(join(folder, `${device}.idbsnap`), Buffer.from(base64, "base64"));
    console.log(`examples/devices/${device}.idbsnap: ${Buffer.from(base64, "base64").length} bytes`);
    await browser.close();
    await rm(userDataDir, { recursive: true, force: true, maxRetries: 5 });
  }
} finally {
  await notes.close();
}
