import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { create, inGlobalWindow } from "../../../beam/index.js";
import { fnApi, runnerApi } from "../../../beam/model.js";
// After the SDK itself, whose modules import each other in a circle.
import { PipelineContext } from "apache-beam/internal/pipeline";
import { type Coder, Context } from "apache-beam/coders/coders";
import { type WindowedValue } from "apache-beam/values";
import { ProtobufReader, ProtobufWriter } from "../../../beam/sdk-dependency.js";
import { bootProgram } from "../../../runners/boot/boot-launcher.js";
import { createRunner } from "../../../runners/index.js";
import { cacheFolder } from "../programs.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { startFakeDataflow } from "./fake-dataflow.js";
import { startFakeGcs } from "./fake-gcs.js";
import { startFakeWorkerHost } from "./fake-worker-host.js";
import { referenceOptions } from "./test-job.js";

const values = [1, "two", new Date(0), 2n ** 70n, new Uint8Array([3]), null];

/** The step of a pipeline that makes the elements of `create`, between a source and a sink. */
function elementsStage(pipeline: runnerApi.Pipeline, address: string) {
  const components = pipeline.components!;
  const [id, step] = Object.entries(components.transforms).find(
    ([, { uniqueName }]) => uniqueName === "create/elements",
  )!;
  const [input] = Object.values(step.inputs) as [string];
  const [output] = Object.values(step.outputs) as [string];
  const descriptor = fnApi.ProcessBundleDescriptor.create({ ...components, id: "stage", environments: {} });
  const windowCoder = Object.values(components.windowingStrategies)[0]!.windowCoderId;
  const port = (name: string, pcollection: string): Uint8Array => {
    descriptor.coders[name] = {
      spec: { urn: "beam:coder:windowed_value:v1", payload: new Uint8Array() },
      componentCoderIds: [components.pcollections[pcollection]!.coderId, windowCoder],
    };
    return fnApi.RemoteGrpcPort.toBinary({ apiServiceDescriptor: { url: address }, coderId: name });
  };
  descriptor.transforms = {
    [id]: step,
    source: runnerApi.PTransform.create({
      uniqueName: "source",
      spec: { urn: "beam:runner:source:v1", payload: port("in", input) },
      outputs: { out: input },
    }),
    sink: runnerApi.PTransform.create({
      uniqueName: "sink",
      spec: { urn: "beam:runner:sink:v1", payload: port("out", output) },
      inputs: { in: output },
    }),
  };
  const context = new PipelineContext(descriptor, "");
  const coders: Record<string, Coder<WindowedValue<unknown>>> = {
    in: context.getCoder("in"),
    out: context.getCoder("out"),
  };
  return { descriptor, coders };
}

test("a container as the service starts it fetches the job's files and processes elements in all its workers", async () => {
  const gcs = await startFakeGcs();
  const dataflow = await startFakeDataflow();
  onTestFinished(async () => {
    await gcs.close();
    await dataflow.close();
  });
  await createRunner({
    ...referenceOptions,
    runner: "dataflow",
    dataflowEndpoint: dataflow.url,
    storageEndpoint: gcs.endpoint,
    noAuth: true,
    cacheFolder,
  }).submit((root) => root.apply(create(values)));
  expect([dataflow.complaints, gcs.complaints]).toEqual([[], []]);

  // From here on only what was uploaded and submitted is known.
  const { description } = dataflow.jobs[0]!;
  const fetch = async (url: string): Promise<Uint8Array> =>
    (await gcs.read(url.slice("gs://my-bucket/".length)))!;
  const { pipelineUrl } = description.environment.sdkPipelineOptions.options as { pipelineUrl: string };
  const pipeline = runnerApi.Pipeline.fromBinary(await fetch(pipelineUrl));
  const environment = pipeline.components!.environments.jsEnvironment!;
  const { coders } = elementsStage(pipeline, "");
  const writer = new ProtobufWriter();
  coders.in!.encode(inGlobalWindow(new Uint8Array()), writer, Context.needsDelimiters);
  const host = await startFakeWorkerHost({
    job: description,
    environment,
    siblingWorkerIds: ["sdk-0-1", "sdk-0-2"],
    fetch,
    stage: (address) => elementsStage(pipeline, address).descriptor,
    input: Uint8Array.from(writer.finish()),
  });
  onTestFinished(() => host.close());

  const container = spawn(
    process.execPath,
    [
      bootProgram(),
      "--id=sdk-0-0",
      ...["logging", "artifact", "provision", "control"].map((name) => `--${name}_endpoint=${host.address}`),
      `--semi_persist_dir=${temporaryFolder()}`,
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  onTestFinished(() => void container.kill("SIGKILL"));
  const [code] = (await once(container, "exit")) as [number | null];

  expect(code).toBe(0);
  const workers = ["sdk-0-0", "sdk-0-1", "sdk-0-2"];
  expect([...host.responses.keys()].sort()).toEqual(workers);
  for (const id of workers) {
    expect(host.responses.get(id)!.error).toBe("");
    const elements = (host.outputs.get(id) ?? []).flatMap((bytes) => {
      const reader = new ProtobufReader(bytes);
      const found: unknown[] = [];
      while (reader.pos < reader.len) found.push(coders.out!.decode(reader, Context.needsDelimiters).value);
      return found;
    });
    expect(elements).toEqual(values);
  }
}, 120_000);
