// Flink itself, for the tests on a cluster of its own. Maven Central has no archive of it and Flink's mirrors keep the latest releases only; PyPI's
// source archive for Python programs has the same jars.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cachedFolder } from "../dist/runners/service/cached-folder.js";
import { findProgram } from "../dist/runners/service/find-program.js";
import { runTool } from "../dist/runners/service/run-tool.js";

const name = "apache-flink-libraries";
const version = "1.19.3";
/** What a JobManager and a TaskManager load; the rest is tables, connectors and other languages. */
const needed = /^(flink-dist|log4j-(api|core|slf4j-impl))-.*\.jar$/;

/** The folder with the jars of a JobManager and a TaskManager (130 MB), fetched on first use. */
export async function fetchFlinkCluster({ cacheFolder, onProgress }) {
  return cachedFolder(join(cacheFolder, `cluster-flink-${version}`), async (draft) => {
    onProgress?.(`Fetching Flink ${version}, once (230 MB)`);
    const run = (title, command, ...args) => runTool({ title, command, args }, undefined);
    const work = join(draft, "work");
    const python = join(work, "venv/bin/python");
    const python3 = findProgram("python3", "Install it with: apt-get install python3 python3-venv.");
    await mkdir(work);
    // Debian's own Python installs nothing outside of virtual environments.
    await run("Making a virtual environment of Python", python3, "-m", "venv", join(work, "venv"));
    const download = [
      "download",
      "--quiet",
      "--disable-pip-version-check",
      "--no-deps",
      "--no-binary",
      ":all:",
    ];
    const wanted = ["--dest", work, `${name}==${version}`];
    await run("Fetching Flink with pip", python, "-m", "pip", ...download, ...wanted);
    const [archive] = (await readdir(work)).filter((file) => file.endsWith(".tar.gz"));
    await run("Unpacking Flink", "tar", "-xzf", join(work, archive), "-C", work);
    const jars = join(work, `${name}-${version}`, "deps/lib");
    for (const jar of (await readdir(jars)).filter((file) => needed.test(file)))
      await rename(join(jars, jar), join(draft, jar));
    await rm(work, { recursive: true });
  });
}
