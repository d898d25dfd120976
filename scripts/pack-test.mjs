// Packs the package as `npm publish` would, installs the tarball into an empty project, and uses it there the way a
// user does: types of every subpath under the strictest settings, every subpath at run time, the command line.
// `--report FILE` writes the outcome in the form of a Vitest JSON report, `--keep` leaves the project for a look.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: { report: { type: "string" }, keep: { type: "boolean", default: false } },
});
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== "./package.json");
const specifiers = subpaths.map((subpath) => manifest.name + subpath.slice(1));
// Programs start to work when they are loaded; a page loads them by URL, runners start them.
const loadable = specifiers.filter((specifier) => !/\/(?:worker|boot)$/.test(specifier));

const project = mkdtempSync(join(tmpdir(), "beam-indexeddb-pack-"));
const results = [];

function run(command, args, { cwd = project, env = {} } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: 300_000,
    maxBuffer: 64 << 20,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

function check(title, body) {
  try {
    body();
    results.push({ fullName: title, status: "passed" });
    console.log(`  ok      ${title}`);
  } catch (error) {
    results.push({ fullName: title, status: "failed" });
    console.error(`  FAILED  ${title}\n${error.message}`);
  }
}

let tarball;
check("npm pack makes a tarball", () => {
  // The build has run; the pack must not depend on scripts that a user's machine would not run either.
  const [packed] = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], { cwd: root }),
  );
  tarball = join(project, packed.filename);
  const names = packed.files.map(({ path }) => path);
  const stray = names.filter(
    (name) => /(^|\/)(\.test|test|bench|node_modules)\//.test(name) || name.endsWith(".tsbuildinfo"),
  );
  if (stray.length > 0)
    throw new Error(`The tarball holds files that no user needs: ${stray.slice(0, 10).join(", ")}`);
  for (const needed of ["README.md", "LICENSE", "package.json", "dist/index.js", "dist/index.d.ts"])
    if (!names.includes(needed)) throw new Error(`The tarball lacks ${needed}`);
  console.log(`          ${names.length} files, ${Math.round(packed.size / 1024)} KB packed`);
});

check("publint finds nothing to mend", () => {
  run(process.execPath, [join(root, "node_modules/publint/src/cli.js"), "run", tarball, "--strict"], {
    cwd: root,
  });
});

check("installs into an empty project", () => {
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module" }),
  );
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", tarball]);
});

check("type-checks in a strict project", () => {
  const names = specifiers.map((specifier, i) => `import * as m${i} from ${JSON.stringify(specifier)};`);
  const uses = `export const modules: readonly object[] = [${specifiers.map((_, i) => `m${i}`).join(", ")}];`;
  writeFileSync(join(project, "consumer.ts"), [...names, uses, ""].join("\n"));
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    lib: ["es2023", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    // The SDK's own declarations do not compile under every setting.
    skipLibCheck: true,
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project]);
});

for (const specifier of loadable)
  check(`import("${specifier}") works and has exports`, () => {
    const code = `const m = await import(${JSON.stringify(specifier)});
      if (Object.keys(m).length === 0) throw new Error("no exports");`;
    run(process.execPath, ["--input-type=module", "--eval", code]);
  });

check("a subpath that is not exported stays private", () => {
  const code = `await import("${manifest.name}/dist/index.js").then(
    () => { throw new Error("reached a private file"); },
    (error) => { if (error.code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw error; });`;
  run(process.execPath, ["--input-type=module", "--eval", code]);
});

for (const name of Object.keys(manifest.bin))
  check(`the command ${name} --help explains itself`, () => {
    const help = run(join(project, "node_modules", ".bin", name), ["--help"]);
    for (const word of [name, "run", "inspect"])
      if (!help.includes(word)) throw new Error(`The help does not mention "${word}":\n${help}`);
  });

if (options.report) {
  mkdirSync(dirname(options.report), { recursive: true });
  const status = results.some((result) => result.status === "failed") ? "failed" : "passed";
  const testResults = [{ name: "pack-test", status, assertionResults: results }];
  writeFileSync(options.report, JSON.stringify({ testResults }));
}
if (options.keep) console.log(`The project is in ${project}`);
else rmSync(project, { recursive: true, force: true });
const failures = results.filter(({ status }) => status === "failed").length;
console.log(`${results.length - failures} passed, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
