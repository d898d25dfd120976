/** What stands beside a container on a machine of Dataflow: provision, artifacts, control, data and logging, for all workers of the container. */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { artifactApi, fnApi, provisionApi, runnerApi, Struct } from "../../../beam/model.js";
import { artifactRetrieval, control, data, logging, provision } from "../../../runners/grpc/method.js";
import { bidirectional, serve, serverStream, unary, workerIdOf } from "../../../runners/grpc/server.js";
import type { DataflowJob } from "../../../runners/dataflow/dataflow-job.js";

export interface FakeWorkerHost {
  readonly address: string;
  /** What each worker sent from the sink, by its id. */
  readonly outputs: Map<string, Uint8Array[]>;
  readonly responses: Map<string, fnApi.InstructionResponse>;
  close(): void;
}

/** What is to be done in a container. */
export interface HostSettings {
  readonly job: DataflowJob;
  readonly environment: runnerApi.Environment;
  readonly siblingWorkerIds: readonly string[];
  /** Content of a `gs://` URL. */
  fetch(url: string): Promise<Uint8Array>;
  /** The stage that every worker runs once, with ports at this address. */
  stage(address: string): fnApi.ProcessBundleDescriptor;
  /** What comes in at "source". */
  readonly input: Uint8Array;
}

type ControlStream = ServerDuplexStream<fnApi.InstructionResponse, fnApi.InstructionRequest>;
type DataStream = ServerDuplexStream<fnApi.Elements, fnApi.Elements>;

/** Every worker that comes gets one bundle; when it has answered, its control connection ends. */
export async function startFakeWorkerHost(settings: HostSettings): Promise<FakeWorkerHost> {
  const { job, environment } = settings;
  const outputs = new Map<string, Uint8Array[]>();
  const responses = new Map<string, fnApi.InstructionResponse>();
  const server = await serve([
    unary(provision.getProvisionInfo, () => {
      const endpoint = { url: server.address };
      const info = provisionApi.ProvisionInfo.create({
        // As the service passes them on: what the job has under "options" stays one level down.
        pipelineOptions: Struct.fromJson(
          job.environment.sdkPipelineOptions as Parameters<typeof Struct.fromJson>[0],
        ),
        controlEndpoint: endpoint,
        artifactEndpoint: endpoint,
        loggingEndpoint: endpoint,
        dependencies: environment.dependencies,
        runnerCapabilities: ["beam:protocol:control_response_elements_embedding:v1"],
        siblingWorkerIds: [...settings.siblingWorkerIds],
      });
      return provisionApi.GetProvisionInfoResponse.create({ info });
    }),
    unary(artifactRetrieval.resolveArtifacts, ({ artifacts }) =>
      artifactApi.ResolveArtifactsResponse.create({ replacements: artifacts }),
    ),
    serverStream(artifactRetrieval.getArtifact, (stream) => {
      const { url } = runnerApi.ArtifactUrlPayload.fromBinary(stream.request.artifact!.typePayload);
      void settings.fetch(url).then((bytes) => {
        const step = 2 * 1024 * 1024;
        for (let at = 0; at < bytes.length; at += step) stream.write({ data: bytes.subarray(at, at + step) });
        stream.end();
      });
    }),
    bidirectional(control.control, (stream: ControlStream) => {
      stream.on("error", () => undefined);
      stream.on("data", (response: fnApi.InstructionResponse) => {
        responses.set(workerIdOf(stream), response);
        stream.end();
      });
      const processBundle = fnApi.ProcessBundleRequest.create({ processBundleDescriptorId: "stage" });
      stream.write({ instructionId: "bundle", request: { oneofKind: "processBundle", processBundle } });
    }),
    unary(control.getProcessBundleDescriptor, () => settings.stage(server.address)),
    bidirectional(data.data, (stream: DataStream) => {
      const id = workerIdOf(stream);
      stream.on("error", () => undefined);
      stream.on("data", (elements: fnApi.Elements) => {
        const parts = elements.data.map((one) => one.data).filter((bytes) => bytes.length > 0);
        outputs.set(id, [...(outputs.get(id) ?? []), ...parts]);
      });
      const source = { instructionId: "bundle", transformId: "source" };
      stream.write({
        data: [
          { ...source, data: settings.input, isLast: false },
          { ...source, data: new Uint8Array(), isLast: true },
        ],
        timers: [],
      });
    }),
    bidirectional(logging.logging, (stream) => {
      stream.on("error", () => undefined);
      stream.on("data", () => undefined);
      stream.on("end", () => {
        stream.end();
      });
    }),
  ]);
  return {
    address: server.address,
    outputs,
    responses,
    close() {
      server.close();
    },
  };
}
