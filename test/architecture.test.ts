import { readFileSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface FolderRule {
  /** Folders of this repository whose modules may be imported; the folder itself always may. */
  readonly folders: readonly string[];
  /** Packages (or single subpaths of packages) that may be imported. */
  readonly packages: readonly string[];
  /** Whether modules of Node itself may be imported. */
  readonly node: boolean;
}

/** Who may import what: the table in docs/architecture.md as data. Everything not listed is forbidden. */
const table: Readonly<Record<string, FolderRule>> = {
  snapshot: { folders: [], packages: [], node: false },
  browser: { folders: ["snapshot"], packages: ["idb"], node: false },
  beam: { folders: ["snapshot"], packages: ["apache-beam", "acorn"], node: true },
  io: {
    folders: ["snapshot", "beam"],
    packages: [
      "@aws-sdk/credential-provider-node",
      "@azure/identity",
      "@duckdb/node-api",
      "@streamparser/json",
      "avsc",
      "aws4fetch",
      "google-auth-library",
      "hyparquet",
      "hyparquet-writer",
      "libsql",
      "pg",
      "picomatch",
    ],
    node: true,
  },
  transforms: { folders: ["snapshot", "beam"], packages: [], node: false },
  runners: {
    folders: ["snapshot", "beam"],
    packages: ["@grpc/grpc-js", "esbuild", "google-auth-library", "protobufjs"],
    node: true,
  },
  pipelines: { folders: ["snapshot", "beam", "io", "transforms"], packages: [], node: true },
  cli: {
    folders: ["snapshot", "beam", "io", "transforms", "runners", "pipelines"],
    packages: [],
    node: true,
  },
  testing: { folders: ["snapshot", "beam", "io", "transforms", "runners"], packages: [], node: true },
};

/** The order in which data flows. A folder may only import what comes before it. */
const flow = [
  "snapshot",
  "browser",
  "beam",
  "io",
  "transforms",
  "runners",
  "pipelines",
  "cli",
  "testing",
] as const;

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function sourcesOf(folder: string): string[] {
  return readdirSync(posix.join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
    .filter((name) => /\.(ts|js|mjs)$/.test(name) && !name.endsWith(".d.ts"));
}

/** Static imports, export-from, `import()` and `require()`: whatever TypeScript itself would resolve. */
function importsOf(file: string): Import[] {
  const text = readFileSync(posix.join(root, file), "utf8");
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName: specifier }) => ({ file, specifier }));
}

function verdict({ file, specifier }: Import, folder: string, rule: FolderRule): string | undefined {
  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(file), specifier).split("/")[0]!;
    if (target === folder || rule.folders.includes(target)) return undefined;
    return `${file} imports "${specifier}": ${folder}/ must not know ${target}/`;
  }
  if (specifier.startsWith("node:")) {
    return rule.node
      ? undefined
      : `${file} imports "${specifier}": ${folder}/ also runs where there is no Node`;
  }
  const allowed = rule.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  return allowed
    ? undefined
    : `${file} imports "${specifier}", which is not among the packages of ${folder}/`;
}

describe("the folders import only what the architecture allows", () => {
  test.each(Object.entries(table))("%s/", (folder, rule) => {
    const files = sourcesOf(folder);
    expect(files.length).toBeGreaterThan(0);
    const violations = files.flatMap(importsOf).map((found) => verdict(found, folder, rule));
    expect(violations.filter((text) => text !== undefined)).toEqual([]);
  });

  test("arrows point one way", () => {
    expect(Object.keys(table)).toEqual([...flow]);
    for (const [folder, { folders }] of Object.entries(table)) {
      const own = flow.indexOf(folder as (typeof flow)[number]);
      for (const other of folders)
        expect(flow.indexOf(other as (typeof flow)[number]), `${folder} -> ${other}`).toBeLessThan(own);
    }
  });

  test("browser/ and io/ meet in the file format only", () => {
    const seenByBrowser = table.browser!.folders;
    expect(seenByBrowser).not.toContain("io");
    for (const { folders } of Object.values(table)) expect(folders).not.toContain("browser");
  });

  test("only beam/ names the SDK", () => {
    const allowed = Object.entries(table)
      .filter(([, { packages }]) => packages.includes("apache-beam"))
      .map(([folder]) => folder);
    expect(allowed).toEqual(["beam"]);
  });

  test("a violation of every kind is seen", () => {
    const rule: FolderRule = { folders: ["snapshot"], packages: ["idb"], node: false };
    const check = (text: string): (string | undefined)[] =>
      ts
        .preProcessFile(text, true, true)
        .importedFiles.map((found) =>
          verdict({ file: "browser/x/y.ts", specifier: found.fileName }, "browser", rule),
        );
    expect(check(`import { a } from "../../snapshot/index.js"; export * from "idb";`)).toEqual([
      undefined,
      undefined,
    ]);
    for (const text of [
      `import type { A } from "../../io/index.js";`,
      `export { a } from "../../beam/index.js";`,
      `const io = await import("../../io/index.js");`,
      `const fs = require("node:fs");`,
      `import "apache-beam";`,
      `import { x } from "idb-keyval";`,
    ])
      expect(check(text), text).toEqual([expect.stringContaining("browser/x/y.ts")]);
  });
});

describe("what the compiler lets a folder see", () => {
  function optionsOf(config: string): ts.CompilerOptions {
    const path = posix.join(root, config);
    const { config: json } = ts.readConfigFile(path, (name) => ts.sys.readFile(name));
    return ts.parseJsonConfigFileContent(json, ts.sys, posix.dirname(path)).options;
  }

  test("snapshot/ compiles without the DOM and without Node", () => {
    const { lib, types } = optionsOf("snapshot/tsconfig.json");
    expect(types).toEqual([]);
    expect(lib!.filter((name) => /\b(dom|webworker)\b/.test(name))).toEqual([]);
  });

  test("browser/ compiles without Node", () => {
    expect(optionsOf("browser/tsconfig.json").types).toEqual([]);
  });

  test("the folders that run in Node compile without the DOM", () => {
    const { lib, types } = optionsOf("tsconfig.node.json");
    expect(types).toEqual(["node"]);
    expect(lib!.filter((name) => /\bdom\b/.test(name))).toEqual([]);
  });
});
