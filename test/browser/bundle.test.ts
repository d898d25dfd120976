import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Plugin, build } from "esbuild";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Modules that `without` matches are not part of a bundle. */
function leaveOut(without: RegExp | undefined): Plugin {
  return {
    name: "leave out",
    setup(building) {
      if (without) building.onResolve({ filter: without }, ({ path }) => ({ path, external: true }));
    },
  };
}

/** Everything that a page may need of this code, minified. */
async function bundle(code: string): Promise<string> {
  const result = await build({
    stdin: { contents: code, resolveDir: root, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
    logLevel: "error",
  });
  return result.outputFiles[0]!.text;
}

const both = 'export { exportDB, importDB } from "./browser/index.js";';

interface Sizes {
  /** Loaded before anything is called. */
  readonly start: number;
  /** With everything that may be loaded later. */
  readonly all: number;
}

/** KB, gzipped file by file, of what a bundler with code splitting makes of this code: as most do, and as esbuild does when told. */
async function splitSizes({ code, entry, without }: Budget): Promise<Sizes> {
  const { outputFiles, metafile } = await build({
    ...(code !== undefined && {
      stdin: { contents: code, resolveDir: root, loader: "ts", sourcefile: "page" },
    }),
    entryPoints: entry === undefined ? [] : [join(root, entry)],
    entryNames: "entry",
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
    outdir: root,
    absWorkingDir: root,
    metafile: true,
    logLevel: "error",
    plugins: [leaveOut(without)],
  });
  const sizes = new Map(
    outputFiles.map(({ path, text }) => [relative(root, path), gzipSync(text, { level: 9 }).length / 1024]),
  );
  const first = Object.entries(metafile.outputs).find(
    ([, { entryPoint }]) => entryPoint === (entry ?? "page"),
  );
  const sum = (later: boolean): number => {
    const files = new Set<string>();
    const visit = (file: string) => {
      const output = metafile.outputs[file];
      if (!output || files.has(file)) return;
      files.add(file);
      for (const { path, kind } of output.imports) if (later || kind === "import-statement") visit(path);
    };
    visit(first![0]);
    return [...files].reduce((total, file) => total + sizes.get(file)!, 0);
  };
  return { start: sum(false), all: sum(true) };
}

interface Budget {
  readonly what: string;
  readonly code?: string;
  readonly entry?: string;
  readonly without?: RegExp;
  readonly limits: Sizes;
}

/** Budgets in KB, gzipped. They may only shrink: what is added has to be made up for elsewhere. */
const budgets: readonly Budget[] = [
  { what: "exportDB and importDB", code: both, limits: { start: 5.9, all: 42.6 } },
  {
    what: "exportDB alone",
    code: 'export { exportDB } from "./browser/index.js";',
    limits: { start: 4.3, all: 28.5 },
  },
  {
    what: "importDB alone",
    code: 'export { importDB } from "./browser/index.js";',
    limits: { start: 5.1, all: 35.5 },
  },
  { what: "the worker", entry: "browser/worker.ts", limits: { start: 1.4, all: 39.9 } },
  {
    what: "the messages",
    code: 'export * from "./snapshot/message-codec.js";',
    limits: { start: 2.5, all: 2.5 },
  },
  {
    what: "browser/ without snapshot/",
    code: both,
    without: /\/snapshot\//,
    limits: { start: 4.4, all: 19 },
  },
];

describe("the bundle for a page", () => {
  test.each(budgets)("of $what loads at most $limits.start KB, and $limits.all KB in all", async (budget) => {
    const { start, all } = await splitSizes(budget);
    process.stdout.write(
      `Bundle of ${budget.what}: ${start.toFixed(1)} KB gzipped at the start, ${all.toFixed(1)} KB in all.\n`,
    );
    expect(start).toBeLessThan(budget.limits.start);
    expect(all).toBeLessThan(budget.limits.all);
  });

  test("is not much larger in one piece, for those who do not split it", async () => {
    const kilobytes = gzipSync(await bundle(both), { level: 9 }).length / 1024;
    process.stdout.write(
      `Bundle of exportDB and importDB in one piece: ${kilobytes.toFixed(1)} KB gzipped.\n`,
    );
    expect(kilobytes).toBeLessThan(39.6);
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
