import { createHash } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { artifactApi, provisionApi, runnerApi } from "../../../beam/model.js";
import { workerBundleName } from "../../../runners/bundle/worker-bundle-name.js";
import { artifactRetrieval, provision } from "../../../runners/grpc/method.js";
import { serve, serverStream, unary, workerIdOf } from "../../../runners/grpc/server.js";

/** A file of a job as a test wants it described and served, honestly or not. */
export interface FakeArtifact {
  readonly stagedName: string;
  readonly content: Uint8Array;
  /** Default: that of the content. */
  readonly sha256?: string | undefined;
  readonly type?: string | undefined;
  readonly role?: string | undefined;
  /** Size of the messages that carry it; default: all in one. */
  readonly chunkBytes?: number | undefined;
  /** The service fails with this instead of sending it. */
  readonly failure?: string | undefined;
  /** The service never answers. */
  readonly isSilent?: boolean | undefined;
}

export interface FakeProvision {
  readonly address: string;
  readonly workerIds: Map<string, Set<string>>;
  /** Fields of the ProvisionInfo. */
  info: Readonly<Record<string, unknown>>;
  artifacts: readonly FakeArtifact[];
  close(): void;
}

export function sha256Of(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

export function bundleOf(source: string): FakeArtifact {
  const content = Buffer.from(source);
  return { stagedName: workerBundleName(sha256Of(content)), content };
}

/** The services that a boot program asks, with every answer in the hands of a test. */
export async function startFakeProvision(): Promise<FakeProvision> {
  const workerIds = new Map<string, Set<string>>();
  const note = (method: string, id: string): void => {
    workerIds.set(method, (workerIds.get(method) ?? new Set<string>()).add(id));
  };
  const described = (): runnerApi.ArtifactInformation[] => fake.artifacts.map(describe);
  const server = await serve([
    unary(provision.getProvisionInfo, (_, workerId) => {
      note("getProvisionInfo", workerId);
      const info = provisionApi.ProvisionInfo.create({
        artifactEndpoint: { url: server.address },
        dependencies: described(),
        ...fake.info,
      });
      return provisionApi.GetProvisionInfoResponse.create({ info });
    }),
    unary(artifactRetrieval.resolveArtifacts, ({ artifacts }, workerId) => {
      note("resolveArtifacts", workerId);
      return artifactApi.ResolveArtifactsResponse.create({ replacements: artifacts });
    }),
    serverStream(artifactRetrieval.getArtifact, (stream) => {
      note("getArtifact", workerIdOf(stream));
      const wanted = Buffer.from(stream.request.artifact!.rolePayload).toString("hex");
      const found = fake.artifacts.find(
        (one) => Buffer.from(describe(one).rolePayload).toString("hex") === wanted,
      )!;
      if (found.isSilent === true) return;
      if (found.failure !== undefined) {
        stream.emit("error", { code: status.NOT_FOUND, details: found.failure });
        return;
      }
      const step = found.chunkBytes ?? Math.max(1, found.content.length);
      for (let at = 0; at < found.content.length; at += step)
        stream.write({ data: found.content.subarray(at, at + step) });
      stream.end();
    }),
  ]);
  const fake: FakeProvision = {
    address: server.address,
    workerIds,
    info: {},
    artifacts: [],
    close() {
      server.close();
    },
  };
  return fake;
}

function describe(artifact: FakeArtifact): runnerApi.ArtifactInformation {
  const { stagedName, content, sha256 = sha256Of(content), type = "file", role } = artifact;
  return {
    typeUrn: `beam:artifact:type:${type}:v1`,
    typePayload:
      type === "url"
        ? runnerApi.ArtifactUrlPayload.toBinary({ url: `gs://bucket/${stagedName}`, sha256 })
        : runnerApi.ArtifactFilePayload.toBinary({ path: `/staged/${stagedName}`, sha256 }),
    roleUrn: role ?? "beam:artifact:role:staging_to:v1",
    rolePayload: runnerApi.ArtifactStagingToRolePayload.toBinary({ stagedName }),
  };
}
