import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Bench } from "../../bench/bench.js";
import { runBenches } from "../../bench/run-benches.js";

const main = fileURLToPath(new URL("../../dist/bench/main.js", import.meta.url));

async function call(args: readonly string[], ...benches: Bench[]) {
  let out = "";
  let err = "";
  const terminal = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = await runBenches(args, benches, terminal);
  return { code, out, err };
}

function bench(name: string, run: Bench["run"] = () => Promise.resolve({ tables: [], figures: [] })): Bench {
  return { name, title: `measures ${name}`, run };
}

test("runs all benches without names, else the named ones, and tells them the size", async () => {
  const ran: string[] = [];
  const counting = (name: string) =>
    bench(name, ({ quick }) => {
      ran.push(`${name} ${quick}`);
      return Promise.resolve({ tables: [], figures: [] });
    });
  expect(await call([], counting("a"), counting("b"))).toMatchObject({ code: 0 });
  expect(await call(["b", "--quick"], counting("a"), counting("b"))).toMatchObject({ code: 0 });
  expect(ran).toEqual(["a false", "b false", "b true"]);
});

test("lists the benches in the help, and for a name that is none of them", async () => {
  const help = await call(["--help"], bench("stairs"));
  expect(help).toMatchObject({ code: 0, err: "", out: expect.stringContaining("measures stairs") });
  const unknown = await call(["stars"], bench("stairs"));
  expect(unknown).toMatchObject({ code: 2, out: "" });
  expect(unknown.err).toContain('no bench "stars"');
  expect(unknown.err).toContain("measures stairs");
  expect(await call(["--fast"], bench("stairs"))).toMatchObject({ code: 2, out: "" });
});

test("--json prints one JSON value; progress goes elsewhere", async () => {
  const chatty = bench("chatty", (context) => {
    context.progress("half of it");
    return Promise.resolve({ tables: [], figures: [{ what: "words", measured: 3, unit: "words" }] });
  });
  const { out, err } = await call(["--json"], chatty);
  expect(JSON.parse(out)).toMatchObject({
    node: process.version,
    results: [{ name: "chatty", figures: [{ measured: 3 }] }],
  });
  expect(err).toMatch(/^\[chatty \d+ s\] half of it\n$/);
});

test("a bench that fails makes the exit code 1; the others are reported, and no folder is left", async () => {
  const folders: string[] = [];
  const failing = bench("failing", ({ folder }) => {
    folders.push(folder);
    writeFileSync(join(folder, "data"), "x");
    return Promise.reject(new Error("It is broken."));
  });
  const { code, out, err } = await call([], failing, bench("fine"));
  expect(code).toBe(1);
  expect(err).toContain("failing failed: Error: It is broken.");
  expect(out).toContain("## fine");
  expect(folders.map((folder) => existsSync(folder))).toEqual([false]);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends a bench and its processes, and leaves no folder", async (signal, code) => {
  const temporary = mkdtempSync(join(tmpdir(), "bench-test-"));
  try {
    const child = spawn(process.execPath, [main, "codec"], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ["ignore", "pipe", "pipe"],
    });
    // The process that measures inherits the pipes: they close when it is gone, too.
    const closed = once(child, "close");
    await once(child.stderr, "data");
    expect(readdirSync(temporary)).toHaveLength(1);
    child.kill(signal);
    child.stdout.resume();
    child.stderr.resume();
    expect((await closed)[0]).toBe(code);
    expect(readdirSync(temporary)).toEqual([]);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
});
