import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = new URL("../../../", import.meta.url);
const script = fileURLToPath(new URL("bench/pipelines/avro-pipelines.py", repository));
const environment = fileURLToPath(new URL(".cache/beam-python", repository));
const python = `${environment}/bin/python`;

/** The version that is measured. */
export const beamPythonVersion = "2.70.0";

/**
 * Installs Beam's Python SDK into a virtual environment of its own, which is kept.
 * @throws Error where there is no Python 3 or no network
 */
export async function installBeamPython(progress: (text: string) => void): Promise<void> {
  if (existsSync(python)) {
    const { stdout } = await run(python, ["-m", "pip", "list", "--format=freeze"]);
    if (stdout.includes(`apache-beam==${beamPythonVersion}\n`)) return;
  }
  progress(`installing apache-beam ${beamPythonVersion} for Python`);
  await run("python3", ["-m", "venv", environment]);
  const options = ["-m", "pip", "install", "--quiet", `apache-beam==${beamPythonVersion}`, "fastavro"];
  await run(python, options, { maxBuffer: 64 << 20 });
}

/** Turns records, one a line as JSON, into an Avro file. */
export async function makeAvro(jsonLines: string, avro: string): Promise<void> {
  await run(python, [script, "make", jsonLines, avro]);
}

/** Seconds that a pipeline takes on Beam Python's local runner, without the start of Python and the imports. */
export async function runBeamPython(work: "map" | "merge", pattern: string, output: string): Promise<number> {
  const { stdout } = await run(python, [script, work, pattern, output], { maxBuffer: 64 << 20 });
  return (JSON.parse(stdout.trim().split("\n").at(-1)!) as { readonly seconds: number }).seconds;
}
