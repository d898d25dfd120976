import { join } from "node:path";
import { cachedFolder } from "./cached-folder.js";
import { findProgram } from "./find-program.js";
import { type JobService, type ServiceOptions, startJobService } from "./job-service.js";
import { runTool } from "./run-tool.js";

const version = "2.70.0";
const advice = "Install it with: apt-get install python3 python3-venv.";

/** Starts the local job server of Beam's Python SDK, from a virtual environment in the cache. */
export async function startPython(options: ServiceOptions): Promise<JobService> {
  const environment = await pythonEnvironment(options);
  return startJobService(
    1,
    ([port], scratchFolder) => ({
      title: "The Python job server",
      command: join(environment, "bin/python"),
      args: [
        "-m",
        "apache_beam.runners.portability.local_job_service_main",
        `--port=${port!}`,
        `--staging_dir=${join(scratchFolder, "staging")}`,
      ],
      env: { TMPDIR: scratchFolder, PYTHONUNBUFFERED: "1" },
    }),
    options.signal,
  );
}

/**
 * The folder of a virtual environment with Beam's Python SDK, made on first use.
 * @param extra Of the SDK's optional parts.
 */
export async function pythonEnvironment(
  { cacheFolder, onProgress, signal }: ServiceOptions,
  extra?: "gcp",
): Promise<string> {
  const folder = `python-beam-${extra === undefined ? "" : `${extra}-`}${version}`;
  const requirement = `apache-beam${extra === undefined ? "" : `[${extra}]`}==${version}`;
  return cachedFolder(join(cacheFolder, folder), async (draft) => {
    const python = findProgram("python3", advice);
    onProgress?.(`Installing apache-beam ${version} for Python, once (this takes a minute or more)`);
    await runTool(
      {
        title: `Making a virtual environment of Python (${advice})`,
        command: python,
        args: ["-m", "venv", draft],
      },
      signal,
    );
    await runTool(
      {
        title: `Installing apache-beam ${version} with pip`,
        command: join(draft, "bin/python"),
        args: ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement],
      },
      signal,
    );
  });
}
