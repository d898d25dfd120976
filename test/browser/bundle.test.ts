import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Plugin, build } from "esbuild";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a page loads for this code, minified. Modules that `without` matches are left out. */
async function bundle(code: string, without?: RegExp): Promise<string> {
  const leaveOut: Plugin = {
    name: "leave out",
    setup(building) {
      if (without) building.onResolve({ filter: without }, ({ path }) => ({ path, external: true }));
    },
  };
  const result = await build({
    stdin: { contents: code, resolveDir: root, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
    logLevel: "error",
    plugins: [leaveOut],
  });
  return result.outputFiles[0]!.text;
}

const both = 'export { exportDB, importDB } from "./browser/index.js";';

/** Budgets in KB, gzipped. They may only shrink: what is added has to be made up for elsewhere. */
const budgets: readonly {
  readonly what: string;
  readonly code: string;
  readonly without?: RegExp;
  readonly limit: number;
}[] = [
  { what: "exportDB and importDB", code: both, limit: 35.5 },
  { what: "exportDB alone", code: 'export { exportDB } from "./browser/index.js";', limit: 21.5 },
  { what: "importDB alone", code: 'export { importDB } from "./browser/index.js";', limit: 28.5 },
  { what: "the messages alone", code: 'export * from "./snapshot/message-codec.js";', limit: 2.5 },
  { what: "the code of browser/ alone", code: both, without: /\/snapshot\//, limit: 15.5 },
];

describe("the bundle for a page", () => {
  test.each(budgets)("with $what is within $limit KB", async ({ what, code, without, limit }) => {
    const text = await bundle(code, without);
    const kilobytes = gzipSync(text, { level: 9 }).length / 1024;
    process.stdout.write(
      `Bundle, ${what}: ${kilobytes.toFixed(1)} KB gzipped, ${(text.length / 1024).toFixed(1)} KB minified.\n`,
    );
    expect(kilobytes).toBeLessThan(limit);
  });

  test("leaves out what is not asked for, as the package is installed", async () => {
    const text = await bundle('export { exportDB } from "beam-indexeddb/browser";');
    expect(text).toContain("EXPORT_BUSY");
    expect(text).not.toMatch(/IMPORT_|SNAPSHOT_SHARD_SET_INCOMPLETE/);
  });

  test("keeps the worker's script when it is imported for its effect", async () => {
    expect(await bundle('import "beam-indexeddb/browser/worker";')).toContain("onmessage");
  });

  test("holds no eval, no Function constructor and nothing of Node", async () => {
    const text = await bundle(both);
    expect(text).not.toMatch(/\beval\s*\(|new Function\b|\bFunction\s*\(/);
    expect(text).not.toMatch(/from\s*"node:|require\("(fs|path|zlib|buffer)"\)/);
  });
});
