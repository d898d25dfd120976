import { execFile } from "node:child_process";
import { join } from "node:path";
import { SnapshotError } from "../../snapshot/index.js";
import { findProgram } from "./find-program.js";

const install = "Install Java 17 with: apt-get install openjdk-17-jre-headless";
const timeoutMs = 30_000;

/** What Beam, Flink and Spark are released for. */
const supported: readonly number[] = [11, 17];

/**
 * The program `java`, of JAVA_HOME when that is set.
 * @param isOwnServer The job server is the user's: what it needs is not known, so later versions are left to it.
 * @throws SnapshotError RUNNER_PROGRAM_MISSING when there is none, and when it is of a version that job servers don't run on
 */
export async function findJava(isOwnServer = false): Promise<string> {
  const home = process.env.JAVA_HOME;
  const java = findProgram(
    home !== undefined && home !== "" ? join(home, "bin/java") : "java",
    `${install}.`,
  );
  const version = await versionOf(java);
  if (version !== undefined && (isOwnServer ? version >= 11 : supported.includes(version))) return java;
  const what = version === undefined ? "does not tell its version" : `is Java ${version}`;
  throw new SnapshotError(
    "RUNNER_PROGRAM_MISSING",
    `${java} ${what}, and the job server needs Java 11 or ${isOwnServer ? "later" : "17"}. ${install}, and name its folder with JAVA_HOME.`,
  );
}

/** The major version: 8 of "1.8.0_392", 17 of "17.0.15". */
async function versionOf(java: string): Promise<number | undefined> {
  const said = await new Promise<string>((resolve) => {
    // Java tells it on standard error. A program of this name that is none fails, or says something else.
    execFile(java, ["-version"], { timeout: timeoutMs }, (_error, stdout, stderr) => {
      resolve(`${stderr}\n${stdout}`);
    });
  });
  const [, major] = /\bversion "(?:1\.)?(\d+)/.exec(said) ?? [];
  return major === undefined ? undefined : Number(major);
}
