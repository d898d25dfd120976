import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "../../../runners/service/find-program.js";
import { freePorts } from "../../../runners/service/free-port.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The boot program as one file, as `npm run build` makes it. */
export function buildBoot(folder: string): string {
  const file = join(folder, "boot");
  execFileSync(process.execPath, [join(root, "scripts/build-boot.mjs"), file]);
  return file;
}

/** crane, which puts images together without a container engine: of the environment variable, else where .ci/run installs it, else on the PATH. */
function craneProgram(): string {
  const installed = join(root, ".cache/go-bin/crane");
  const program = process.env.BEAM_INDEXEDDB_CRANE ?? (existsSync(installed) ? installed : "crane");
  return findProgram(program, "It is installed by .ci/run.");
}

/**
 * Assembles the image of workers, pushes it to a registry, pulls its files, and makes a program that runs its entry point in them: as a container without an engine,
 * with a tree of files and a list of processes of its own.
 */
export async function containerProgram(folder: string): Promise<string> {
  const crane = craneProgram();
  const [port] = await freePorts(1);
  const tag = `localhost:${port!}/beam-indexeddb-worker:1`;
  const registry = spawn(crane, ["registry", "serve", "--address", `localhost:${port!}`], {
    stdio: "ignore",
  });
  const files = join(folder, "files");
  mkdirSync(files);
  try {
    const script = join(root, "scripts/assemble-image.mjs");
    const args = [`--tag=${tag}`, "--insecure", `--boot=${buildBoot(folder)}`, `--crane=${crane}`];
    await untilListening(port!);
    execFileSync(process.execPath, [script, ...args], { stdio: "pipe" });
    const { config } = JSON.parse(
      execFileSync(crane, ["config", "--insecure", tag], { encoding: "utf8" }),
    ) as { config: { Entrypoint: readonly string[] } };
    execFileSync("sh", ["-c", `"$0" export --insecure "$1" - | tar -C "$2" -xf -`, crane, tag, files]);
    const program = join(folder, "container");
    const inside = [
      `mount --bind /dev '${files}/dev'`,
      `mount -t proc proc '${files}/proc'`,
      `exec env -i PATH="$PATH" chroot '${files}' ${config.Entrypoint.join(" ")} "$@"`,
    ].join(" && ");
    writeFileSync(
      program,
      `#!/bin/sh\nexec unshare --mount --pid --fork --kill-child sh -c '${inside.replaceAll("'", `'\\''`)}' sh "$@"\n`,
    );
    chmodSync(program, 0o755);
    return program;
  } finally {
    registry.kill("SIGKILL");
  }
}

/** @throws with the way out, where this user may not have a tree of files of its own */
export function expectUnshare(): void {
  try {
    execFileSync("unshare", ["--mount", "--pid", "--fork", "true"], { stdio: "pipe" });
  } catch (cause) {
    throw new Error("The container test needs unshare and chroot: run it as root, or with CAP_SYS_ADMIN.", {
      cause,
    });
  }
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answers = await fetch(`http://localhost:${port}/v2/`).then(
      () => true,
      () => false,
    );
    if (answers) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The registry on port ${port} does not answer.`);
}
