// Makes test/runners/dataflow/reference.json: the job that Beam's Python service makes of a pipeline of ours, and the fields and values that the REST interface
// knows, as Beam's Python client has them.
// Usage: npm run build && node scripts/make-dataflow-reference.mjs
// Needs fake-gcs-server (FAKE_GCS_SERVER, or .cache/go-bin as .ci/run installs it) and a Python with apache-beam[gcp]==2.70.0 (PYTHON_WITH_BEAM_GCP; without it a
// virtual environment is made in .cache).
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { create } from "../dist/beam/index.js";
import { buildPipeline } from "../dist/beam/build-pipeline.js";
import { runnerApi } from "../dist/beam/model.js";
import { call, connect } from "../dist/runners/grpc/client.js";
import { jobs } from "../dist/runners/grpc/method.js";
import { prepareJob } from "../dist/runners/portable/prepare-job.js";
import { stageArtifacts } from "../dist/runners/portable/stage-artifacts.js";
import { fileSource } from "../dist/runners/dataflow/upload-source.js";
import { freePorts } from "../dist/runners/service/free-port.js";

/** Fields and their types of all messages that a job consists of; values of their enumerations. */
const fieldsScript = `
import json
from apitools.base.protorpclite import messages as m
from apache_beam.runners.dataflow.internal.clients.dataflow import dataflow_v1b3_messages as d
found = {}
def look(message):
  if message.__name__ in found: return
  fields = found[message.__name__] = {}
  for field in message.all_fields():
    kind = {"StringField": "string", "BooleanField": "boolean", "IntegerField": "number", "FloatField": "number"}.get(type(field).__name__)
    if isinstance(field, m.EnumField): kind = {"enum": sorted(field.type.names())}
    if isinstance(field, m.MessageField):
      kind = "object"
      if not any(f.name == "additionalProperties" for f in field.type.all_fields()) and field.type.__module__ == d.__name__:
        kind = field.type.__name__
    fields[field.name] = {"list": kind} if field.repeated else kind
    if isinstance(kind, str) and hasattr(d, kind) and kind not in ("JobExecutionInfo", "JobMetadata", "PipelineDescription", "Step", "ExecutionStageState"): look(field.type)
look(d.Job)
print(json.dumps(found))
`;

const root = fileURLToPath(new URL("..", import.meta.url));
const testFolder = join(root, "test/runners/dataflow");
const version = "2.70.0";
const options = JSON.parse(await readFile(join(testFolder, "reference-options.json"), "utf8"));
const scratch = await mkdtemp(join(tmpdir(), "beam-indexeddb-"));
const children = [];
const [gcsPort, jobPort] = await freePorts(2);
const bucket = new URL(options.tempLocation).hostname;

try {
  const python = pythonWithBeam();
  const dataflow = await fakeDataflow();
  await startStorage();
  start(python, ["-W", "ignore", "-c", wrapper(dataflow.url), String(jobPort)], {
    STORAGE_EMULATOR_HOST: `http://localhost:${gcsPort}`,
  });
  const artifact = await submit();
  const job = await dataflow.job;
  const pipeline = await uploadedPipeline(job);
  const fields = JSON.parse(output(python, ["-c", fieldsScript]));
  const reference = {
    madeBy: `apache-beam ${version}`,
    artifact,
    job,
    environments: environmentsOf(pipeline),
    fields,
  };
  const text = JSON.stringify(reference)
    .replaceAll(scratch, "SCRATCH")
    .replaceAll(dataflow.url, "https://dataflow.googleapis.com");
  await writeFile(
    join(testFolder, "reference.json"),
    await format(text, { parser: "json", printWidth: 110 }),
  );
} finally {
  for (const child of children) child.kill("SIGKILL");
  await rm(scratch, { recursive: true, force: true });
}

function pythonWithBeam() {
  const named = process.env.PYTHON_WITH_BEAM_GCP;
  if (named) return named;
  const folder = join(root, `.cache/python-beam-gcp-${version}`);
  const python = join(folder, "bin/python");
  if (!existsSync(python)) {
    output("python3", ["-m", "venv", folder]);
    output(python, ["-m", "pip", "install", "--quiet", `apache-beam[gcp]==${version}`]);
  }
  return python;
}

function output(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return stdout;
}

function start(command, args, env = {}) {
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  children.push(child);
  child.on("exit", (code) => {
    if (code) console.error(`${command} ended with exit code ${code}.`);
  });
}

/** Answers the creation of a job, then says that it is done. (Under the name localhost, the client would describe a job for this machine.) */
async function fakeDataflow() {
  let resolve;
  const job = new Promise((done) => (resolve = done));
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const sent = request.method === "POST" ? JSON.parse(Buffer.concat(parts).toString()) : {};
      if (request.method === "POST") resolve(sent);
      response.setHeader("content-type", "application/json");
      const state = {
        id: "job-1",
        name: options.jobName,
        currentState: "JOB_STATE_DONE",
        clientRequestId: sent.clientRequestId,
      };
      response.end(JSON.stringify(request.url.includes("/messages") ? {} : state));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  server.unref();
  return { job, url: `http://127.0.0.1:${server.address().port}` };
}

async function startStorage() {
  const program = process.env.FAKE_GCS_SERVER ?? join(root, ".cache/go-bin/fake-gcs-server");
  const address = `localhost:${gcsPort}`;
  start(program, [
    "-scheme",
    "http",
    "-backend",
    "memory",
    "-host",
    "localhost",
    "-port",
    String(gcsPort),
    "-public-host",
    address,
    "-log-level",
    "error",
  ]);
  const create = () =>
    fetch(`http://${address}/storage/v1/b`, { method: "POST", body: JSON.stringify({ name: bucket }) });
  await until(async () => (await create()).ok);
}

/** The service takes no whole numbers from requests, but it takes flags. */
function wrapper(endpoint) {
  const { labels, experiments, dataflowServiceOptions, usePublicIps, workerMachineType, ...rest } = options;
  delete rest.sdkContainerImage;
  const flags = Object.entries(rest).map(
    ([name, value]) => `--${name.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}=${value}`,
  );
  flags.push(
    `--machine_type=${workerMachineType}`,
    usePublicIps ? "--use_public_ips" : "--no_use_public_ips",
    `--dataflow_endpoint=${endpoint}`,
    "--no_auth",
    ...Object.entries(labels).map(([key, value]) => `--labels=${key}=${value}`),
    ...experiments.map((one) => `--experiments=${one}`),
    ...dataflowServiceOptions.map((one) => `--dataflow_service_options=${one}`),
  );
  return `import sys
port = sys.argv[1]
sys.argv = ["job-service"] + ${JSON.stringify(flags)}
from apache_beam.runners.dataflow import dataflow_job_service
dataflow_job_service.run(["--port", port])`;
}

async function submit() {
  const path = join(scratch, "worker.mjs");
  await writeFile(path, "console.log('worker');\n");
  const { sha256 } = await fileSource(path);
  const artifact = { stagedName: `beam-indexeddb-worker-${sha256}.mjs`, sha256 };
  const { proto } = await buildPipeline((pipeline) => pipeline.apply(create([1, 2, 3])));
  const environment = {
    urn: "beam:env:docker:v1",
    payload: runnerApi.DockerPayload.toBinary({ containerImage: options.sdkContainerImage }),
    artifacts: [{ path, ...artifact }],
  };
  const client = connect(`localhost:${jobPort}`);
  const request = prepareJob(proto, { environment, jobName: options.jobName });
  let prepared;
  await until(async () => (prepared = await call(client, jobs.prepare, request, { timeoutMs: 5000 })));
  const staging = connect(prepared.artifactStagingEndpoint.url);
  await stageArtifacts(staging, prepared.stagingSessionToken, environment.artifacts);
  staging.close();
  await call(client, jobs.run, {
    preparationId: prepared.preparationId,
    retrievalToken: prepared.stagingSessionToken,
  });
  client.close();
  return artifact;
}

async function uploadedPipeline(job) {
  const url = job.environment.sdkPipelineOptions.options.pipelineUrl;
  const path = encodeURIComponent(url.slice(`gs://${bucket}/`.length));
  const answer = await fetch(`http://localhost:${gcsPort}/storage/v1/b/${bucket}/o/${path}?alt=media`);
  return runnerApi.Pipeline.fromBinary(new Uint8Array(await answer.arrayBuffer()));
}

function environmentsOf({ components }) {
  return Object.fromEntries(
    Object.entries(components.environments).map(([id, { urn, payload, capabilities, dependencies }]) => [
      id,
      {
        urn,
        containerImage: runnerApi.DockerPayload.fromBinary(payload).containerImage,
        capabilities,
        dependencies: dependencies.map(({ typeUrn, typePayload, roleUrn, rolePayload }) => ({
          typeUrn,
          ...runnerApi.ArtifactUrlPayload.fromBinary(typePayload),
          roleUrn,
          ...runnerApi.ArtifactStagingToRolePayload.fromBinary(rolePayload),
        })),
      },
    ]),
  );
}

async function until(done) {
  for (let n = 0; ; n++) {
    try {
      if (await done()) return;
    } catch (error) {
      if (n === 600) throw error;
    }
    if (n === 600) throw new Error("A service did not answer for a minute.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
