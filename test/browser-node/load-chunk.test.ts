import { expect, test } from "vitest";
import { loadChunk } from "../../browser/load-chunk.js";
import { loadExport } from "../../browser/load-export.js";
import { loadImport } from "../../browser/load-import.js";
import { runExport } from "../../browser/run-export.js";
import { runImport } from "../../browser/run-import.js";

test("the code of an export and of an import is there when it is asked for", async () => {
  expect(await loadExport()).toBe(runExport);
  expect(await loadImport()).toBe(runImport);
});

test("a chunk that cannot be loaded says what to do, and why it could not", async () => {
  const cause = new TypeError("Failed to fetch dynamically imported module");
  const loading = loadChunk(Promise.reject(cause));
  await expect(loading).rejects.toThrow(TypeError);
  await expect(loading).rejects.toThrow(
    /could not be loaded: TypeError: Failed to fetch .* Serve all files .* service worker/,
  );
  await expect(loading).rejects.toHaveProperty("cause", cause);
});
