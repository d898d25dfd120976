import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { startProcess } from "../../../runners/service/start-process.js";
import { temporaryFolder } from "../../temporary-folder.js";

/** A program that has a child of its own, both deaf to SIGTERM when asked; writes the ids of both into a file. */
function family(file: string, isDeaf: boolean): { title: string; command: string; args: string[] } {
  const deaf = isDeaf ? `process.on("SIGTERM", () => {});` : "";
  const child = `${deaf} setInterval(() => {}, 1000); process.send("up");`;
  const parent = `${deaf}
    const child = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    child.once("message", () => require("node:fs").writeFileSync(${JSON.stringify(file)}, process.pid + " " + child.pid));
    setInterval(() => {}, 1000);`;
  return { title: "The family", command: process.execPath, args: ["-e", parent] };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(10);
}

async function idsIn(file: string): Promise<number[]> {
  await until(() => existsSync(file) && readFileSync(file, "utf8").includes(" "));
  return readFileSync(file, "utf8").split(" ").map(Number);
}

/** Zombies don't count: what has ended may not have been waited for yet. */
function isRunning(id: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${id}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("a started process", () => {
  test.each([false, true])(
    "goes with all its children when it is stopped (deaf to SIGTERM: %s)",
    async (isDeaf) => {
      const folder = temporaryFolder();
      const scratchFolder = join(folder, "scratch");
      mkdirSync(scratchFolder);
      const running = startProcess({ ...family(join(folder, "ids"), isDeaf), scratchFolder });
      const ids = await idsIn(join(folder, "ids"));
      expect(ids.map(isRunning)).toEqual([true, true]);
      await running.stop();
      await running.stop();
      // The kernel may not be through yet with those that had to be killed.
      await until(() => !ids.some(isRunning));
      expect(existsSync(scratchFolder)).toBe(false);
    },
  );

  test("goes with all its children when its starter is killed", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "ids");
    const module = new URL("../../../dist/runners/service/start-process.js", import.meta.url).href;
    const program = `const { startProcess } = await import(${JSON.stringify(module)});
      startProcess(${JSON.stringify(family(file, false))}); setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "ignore" });
    const ids = await idsIn(file);
    starter.kill("SIGKILL");
    await once(starter, "exit");
    await until(() => !ids.some(isRunning));
  });

  test("takes its children with it when it ends by itself", async () => {
    const file = join(temporaryFolder(), "ids");
    const running = startProcess(family(file, false));
    const [parent, child] = await idsIn(file);
    process.kill(parent!, "SIGKILL");
    await expect(running.failure).rejects.toMatchObject({
      code: "RUNNER_SERVICE_FAILED",
      message: "The family was ended by signal 9 while it was needed.",
    });
    // The kernel may not be through yet with one that had to be killed.
    await until(() => !isRunning(child!));
  });

  test("that ends early says how, with its last lines", async () => {
    const print = `for (let i = 0; i < 300; i++) console.error("line " + i); process.exitCode = 7;`;
    const running = startProcess({ title: "The server", command: process.execPath, args: ["-e", print] });
    const error = await running.failure.catch((failure: unknown) => failure as Error);
    expect(error.message).toMatch(
      /^The server ended with exit code 7 while it was needed. Its last lines:\nline 288\n/,
    );
    expect(error.message.endsWith("line 299")).toBe(true);
    expect(await running.exited).toBe(7);
    expect(running.lastLines()).toHaveLength(200);
    await running.stop();
  });

  test("that crashes shows the crash, without colours", async () => {
    const print = `console.error("\\u001b[42m INFO \\u001b[0m serving"); console.error("panic: no pool\\n\\ngoroutine 1"); process.exitCode = 2;`;
    const running = startProcess({ title: "Prism", command: process.execPath, args: ["-e", print] });
    await expect(running.failure).rejects.toThrow(
      "Prism ended with exit code 2 while it was needed. Its last lines:\npanic: no pool\n\ngoroutine 1",
    );
    expect(running.lastLines()[0]).toBe(" INFO  serving");
  });

  test("gets its environment and nothing to read", async () => {
    const running = startProcess({
      title: "A shell",
      command: "/bin/sh",
      args: ["-c", 'cat; echo "$GREETING $1"', "sh", "with 'odd' \"text\" $HOME"],
      env: { GREETING: "hello" },
    });
    expect(await running.exited).toBe(0);
    expect(running.lastLines()).toEqual(["hello with 'odd' \"text\" $HOME"]);
  });
});

test("the compiled module is there for the test of a killed starter", () => {
  expect(
    existsSync(fileURLToPath(new URL("../../../dist/runners/service/start-process.js", import.meta.url))),
  ).toBe(true);
});
