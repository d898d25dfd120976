import { createHash } from "node:crypto";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { type artifactApi, jobApi, type runnerApi } from "../../../beam/model.js";
import { artifactStaging, jobs } from "../../../runners/grpc/method.js";
import {
  bidirectional,
  type Handler,
  type RunningServer,
  serve,
  serverStream,
  unary,
} from "../../../runners/grpc/server.js";

type Wrapped = artifactApi.ArtifactResponseWrapper;
type StagingCall = ServerDuplexStream<Wrapped, artifactApi.ArtifactRequestWrapper>;

/** What a job server does, so far as a test wants it otherwise than well. */
export interface FakeBehaviour {
  /** Asks for the files of the job; default: nothing is wanted. */
  readonly stage?: ((staging: FakeStaging) => Promise<void>) | undefined;
  /** States that the stream tells before it ends; default: RUNNING, DONE. */
  readonly streamed?: readonly jobApi.JobState_Enum[] | undefined;
  /** States that are told one after the other when asked; the last stays. Default: those of the stream. */
  readonly polled?: readonly jobApi.JobState_Enum[] | undefined;
  readonly messages?: readonly Partial<jobApi.JobMessage>[] | undefined;
  /** A stream that stays open after its last message or state. */
  readonly staysOpen?: boolean | undefined;
  readonly metrics?: jobApi.MetricResults | undefined;
  readonly prepareError?: string | undefined;
}

/** What the fake has been told. */
export interface FakeJobServer extends RunningServer {
  readonly prepared: jobApi.PrepareJobRequest[];
  readonly ran: jobApi.RunJobRequest[];
  readonly cancelled: string[];
  /** Resolves when the job has been cancelled. */
  readonly cancelling: Promise<void>;
}

/** The server's side of one staging. */
export interface FakeStaging {
  readonly token: string;
  readonly resolve: (
    artifacts: readonly runnerApi.ArtifactInformation[],
  ) => Promise<runnerApi.ArtifactInformation[]>;
  /** Sizes of the chunks and the hash of the whole. */
  readonly get: (artifact: runnerApi.ArtifactInformation) => Promise<{ chunks: number[]; sha256: string }>;
}

/** A job server in this process that does what it is told, and keeps what it was told. */
export async function fakeJobServer(behaviour: FakeBehaviour = {}): Promise<FakeJobServer> {
  const { RUNNING, DONE, CANCELLED } = jobApi.JobState_Enum;
  const { streamed = [RUNNING, DONE], polled = streamed, messages = [] } = behaviour;
  const prepared: jobApi.PrepareJobRequest[] = [];
  const ran: jobApi.RunJobRequest[] = [];
  const cancelled: string[] = [];
  let polls = 0;
  let told: () => void = () => undefined;
  const cancelling = new Promise<void>((resolve) => (told = resolve));
  const handlers: Handler[] = [
    unary(jobs.prepare, (request) => {
      prepared.push(request);
      if (behaviour.prepareError !== undefined) throw new Error(behaviour.prepareError);
      return {
        preparationId: "preparation",
        stagingSessionToken: "token",
        artifactStagingEndpoint: { url: server.address, authentication: undefined as never },
      };
    }),
    unary(jobs.run, (request) => {
      ran.push(request);
      return { jobId: "job-1" };
    }),
    unary(jobs.getJobs, () => ({
      jobInfo: [{ jobId: "job-1", jobName: "fake", state: streamed.at(-1) ?? DONE }],
    })),
    unary(jobs.getState, () => ({
      state: cancelled.length > 0 ? CANCELLED : polled[Math.min(polls++, polled.length - 1)]!,
    })),
    unary(jobs.cancel, ({ jobId }) => {
      cancelled.push(jobId);
      told();
      return { state: jobApi.JobState_Enum.CANCELLING };
    }),
    unary(jobs.getJobMetrics, () => ({ metrics: behaviour.metrics ?? { committed: [], attempted: [] } })),
    serverStream(jobs.getStateStream, (call) => {
      for (const state of streamed) call.write({ state });
      if (behaviour.staysOpen !== true) call.end();
      else void cancelling.then(() => call.end());
    }),
    serverStream(jobs.getMessageStream, (call) => {
      for (const message of messages)
        call.write({
          response: { oneofKind: "messageResponse", messageResponse: jobApi.JobMessage.create(message) },
        });
      if (behaviour.staysOpen !== true) call.end();
    }),
    bidirectional(artifactStaging.reverseArtifactRetrievalService, (call: StagingCall) => {
      void serveStaging(call, behaviour.stage);
    }),
  ];
  const server = await serve(handlers);
  return { ...server, prepared, ran, cancelled, cancelling };
}

async function serveStaging(call: StagingCall, stage: FakeBehaviour["stage"]): Promise<void> {
  call.on("error", () => undefined);
  const responses = call[Symbol.asyncIterator]() as AsyncIterator<Wrapped>;
  const next = async (): Promise<Wrapped> => {
    const result = await responses.next();
    if (result.done === true) throw new Error("The client ended the staging.");
    return result.value;
  };
  const token = (await next()).stagingToken;
  const resolve: FakeStaging["resolve"] = async (artifacts) => {
    call.write({
      request: {
        oneofKind: "resolveArtifact",
        resolveArtifact: { artifacts: [...artifacts], preferredUrns: [] },
      },
    });
    const { response } = await next();
    return response.oneofKind === "resolveArtifactResponse"
      ? response.resolveArtifactResponse.replacements
      : [];
  };
  const get: FakeStaging["get"] = async (artifact) => {
    call.write({ request: { oneofKind: "getArtifact", getArtifact: { artifact } } });
    const hash = createHash("sha256");
    const chunks: number[] = [];
    while (true) {
      const { response, isLast, stagingToken } = await next();
      if (stagingToken !== token) throw new Error(`The token of a chunk is ${stagingToken}.`);
      if (response.oneofKind !== "getArtifactResponse")
        throw new Error(`Unasked: ${response.oneofKind ?? "nothing"}`);
      hash.update(response.getArtifactResponse.data);
      if (isLast) return { chunks, sha256: hash.digest("hex") };
      chunks.push(response.getArtifactResponse.data.length);
    }
  };
  try {
    await stage?.({ token, resolve, get });
    call.end();
  } catch {
    // The client has gone, which is what the test looks at.
    call.destroy();
  }
}
