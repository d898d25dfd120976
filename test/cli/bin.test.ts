import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type SignalledProcess, exitOnSignal } from "../../cli/exit-on-signal.js";
import { main } from "../../cli/main.js";
import { deviceSnapshot } from "../device-snapshot.js";
import { temporaryFolder } from "../temporary-folder.js";

const bin = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));

function start(...args: string[]): { child: ChildProcess; err: () => string } {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let err = "";
  child.stderr.on("data", (part: Buffer) => (err += part.toString()));
  return { child, err: () => err };
}

async function manyNotes(folder: string, count: number): Promise<string> {
  const notes = Array.from({ length: count }, (_, i) => ({
    id: `n${String(i).padStart(6, "0")}`,
    updatedAt: i,
    text: `${i} `.repeat(30),
  }));
  const file = join(folder, "phone.idbsnap");
  writeFileSync(file, await deviceSnapshot({ device: "phone", capturedAt: 1, notes, blockBytes: 32_768 }));
  return file;
}

test("a reader that closes the pipe early ends cat without a fault", async () => {
  const { child, err } = start("cat", await manyNotes(temporaryFolder(), 5000));
  await once(child.stdout!, "data");
  child.stdout!.destroy();
  const [code] = (await once(child, "exit")) as [number];
  expect([code, err()]).toEqual([0, ""]);
});

test("Ctrl-C in the middle of a run ends it with one sentence, exit code 130 and nothing half-written", async () => {
  const folder = temporaryFolder();
  await manyNotes(folder, 30_000);
  const output = join(folder, "out");
  const { child, err } = start("run", `--input=${folder}/*.idbsnap`, `--output=${output}`);
  while (!existsSync(output)) await new Promise((resolve) => setImmediate(resolve));
  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(130);
  expect(err().trimEnd()).toBe(
    "beam-indexeddb: interrupted before the end: run it again to get the whole result.",
  );
  expect(readdirSync(output).filter((name) => /idbsnap|\.temp-|\.part/.test(name))).toEqual([]);
});

test("the first signal waits for the clean-up, a second does not", async () => {
  const listeners = new Map<string, () => void>();
  const exits: number[] = [];
  const fake: SignalledProcess = {
    once: (signal, listener) => listeners.set(signal, listener),
    exit: (code) => void exits.push(code),
  };
  let finish = (): void => undefined;
  const messages: string[] = [];
  const terminal = {
    out: () => undefined,
    err: (text: string) => void messages.push(text),
    isInteractive: false,
  };
  exitOnSignal(fake, terminal, () => new Promise((resolve) => (finish = resolve)));
  listeners.get("SIGTERM")!();
  expect([exits, messages.length]).toEqual([[], 1]);
  listeners.get("SIGINT")!();
  expect(exits).toEqual([130]);
  finish();
  await new Promise((resolve) => setImmediate(resolve));
  expect(exits).toEqual([130, 143]);
});

test("a fault of the program itself is one sentence without a stack, unless it is asked for", async () => {
  const run = async () => {
    let err = "";
    const failing = () => {
      throw new TypeError("boom\n    at somewhere");
    };
    const code = await main(["--help"], {
      out: failing,
      err: (text) => void (err += text),
      isInteractive: false,
    });
    return { code, err };
  };
  const quiet = await run();
  expect(quiet.code).toBe(1);
  expect(quiet.err).toMatch(/^beam-indexeddb: .*boom.*BEAM_INDEXEDDB_DEBUG=1.*\n$/);
  process.env.BEAM_INDEXEDDB_DEBUG = "1";
  try {
    expect((await run()).err.split("\n").length).toBeGreaterThan(3);
  } finally {
    delete process.env.BEAM_INDEXEDDB_DEBUG;
  }
});
