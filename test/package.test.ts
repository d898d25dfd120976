import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const sourceFolders = [
  "snapshot",
  "browser",
  "beam",
  "io",
  "transforms",
  "runners",
  "pipelines",
  "cli",
  "testing",
  "examples",
  "bench",
  "scripts",
  "test",
];

interface PackageJson {
  readonly exports: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
}

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as PackageJson;

function filesUnder(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((name) => !/(^|[\\/])(node_modules|dist|gen|vectors)([\\/]|$)/.test(name));
}

const sources = sourceFolders.flatMap(filesUnder).filter((name) => /\.(ts|mjs|js)$/.test(name));

describe("package.json", () => {
  test("names every dependency that a user installs, and no other", () => {
    expect(Object.keys(manifest.dependencies)).toEqual([
      "@grpc/grpc-js",
      "@streamparser/json",
      "acorn",
      "apache-beam",
      "avsc",
      "aws4fetch",
      "hyparquet",
      "hyparquet-writer",
      "idb",
      "libsql",
      "picomatch",
    ]);
  });

  test("asks for packages of single runners and stores only of those who use them", () => {
    expect(Object.keys(manifest.peerDependencies)).toEqual([
      "@aws-sdk/credential-provider-node",
      "@azure/identity",
      "@duckdb/node-api",
      "esbuild",
      "google-auth-library",
      "pg",
    ]);
    for (const name of Object.keys(manifest.peerDependencies))
      expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
  });

  test("makes an image with the version of libsql that it uses itself", () => {
    const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
    expect(dockerfile).toContain(` libsql@${manifest.dependencies.libsql!}\n`);
  });

  test.each(Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))(
    "pins %s to one version",
    (_, version) => {
      expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    },
  );

  test("exports the folders in the order of the flow", () => {
    expect(Object.keys(manifest.exports)).toEqual([
      ".",
      "./snapshot",
      "./browser",
      "./browser/worker",
      "./beam",
      "./io",
      "./transforms",
      "./runners",
      "./runners/boot",
      "./runners/worker",
      "./pipelines",
      "./testing",
      "./package.json",
    ]);
  });

  const targets = [...Object.values(manifest.exports), ...Object.values(manifest.bin)];
  test.each(targets.filter((target) => target.includes("dist/")))("%s has a source", (target) => {
    const source = target.replace(/^(\.\/)?dist\//, "").replace(/\.js$/, ".ts");
    expect(existsSync(join(root, source)), source).toBe(true);
  });

  test.each(manifest.files.filter((name) => !name.startsWith("!")))("%s exists and is packed", (name) => {
    expect(existsSync(join(root, name)), name).toBe(true);
  });
});

describe("source files", () => {
  test("are named in kebab-case", () => {
    const odd = sources.filter(
      (name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|mjs|js)$/.test(basename(name)),
    );
    expect(odd).toEqual([]);
  });

  test("are named after what they hold, not after a drawer", () => {
    const drawers = /^(utils?|helpers?|common|shared|misc|types|constants)\.(ts|mjs|js)$/;
    expect(sources.filter((name) => drawers.test(basename(name)))).toEqual([]);
  });

  test("have at most 400 lines outside the tests", () => {
    const long = sources
      .filter((name) => !name.startsWith("test"))
      .map((name) => ({ name, lines: readFileSync(join(root, name), "utf8").split("\n").length - 1 }))
      .filter(({ lines }) => lines > 400);
    expect(long).toEqual([]);
  });

  test("never evaluate text as code where a page's policy forbids it", () => {
    const evaluating = ["snapshot", "browser"]
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
          .map((name) => join(folder, name))
          .filter((name) => /\.(ts|js)$/.test(name)),
      )
      .filter((name) => /\beval\s*\(|\bnew\s+Function\b/.test(readFileSync(join(root, name), "utf8")));
    expect(evaluating).toEqual([]);
  });
});
