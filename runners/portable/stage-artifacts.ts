import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { type Client, type ClientDuplexStream } from "@grpc/grpc-js";
import { type artifactApi, runnerApi } from "../../beam/model.js";
import { SnapshotError } from "../../snapshot/index.js";
import { messagesOf, openStream } from "../grpc/client.js";
import { artifactStaging } from "../grpc/method.js";
import type { ArtifactFile } from "./environment.js";

const chunkBytes = 1024 * 1024;

/** How artifacts are staged. */
export interface StagingOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: none. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Hands the files of a job to the job server, which asks for them one after the other. Only the files offered are served, and only as they were when they were
 * offered. Resolves when the server has all it wants.
 *
 * @throws SnapshotError RUNNER_ARTIFACT_REFUSED when the server asks for anything else, or a file has changed; the gRPC error when the server fails
 */
export async function stageArtifacts(
  client: Client,
  stagingToken: string,
  offered: readonly ArtifactFile[],
  options: StagingOptions = {},
): Promise<void> {
  const files = new Map(offered.map((file) => [resolve(file.path), file]));
  const stream = openStream(client, artifactStaging.reverseArtifactRetrievalService, options);
  const messages = messagesOf<artifactApi.ArtifactRequestWrapper>(stream);
  const sender = createSender(stream, stagingToken);
  try {
    // The server learns from the first message whose files these are.
    await sender.send({ oneofKind: undefined });
    for await (const message of messages) await answer(message.request, files, sender);
  } catch (error) {
    stream.cancel();
    throw error;
  } finally {
    // A server may wait for this side to end before it takes the call as done.
    stream.end();
  }
}

type Answer = artifactApi.ArtifactResponseWrapper["response"];

interface Sender {
  /** Resolves when the message is under way, or when nobody wants it any more. */
  send(response: Answer, isLast?: boolean): Promise<void>;
}

function createSender(
  stream: ClientDuplexStream<artifactApi.ArtifactResponseWrapper, artifactApi.ArtifactRequestWrapper>,
  stagingToken: string,
): Sender {
  // After the call has ended, callbacks of writes may never come; its error reaches whoever reads the stream.
  const ended = new Promise<void>((done) => {
    stream.once("status", () => {
      done();
    });
    stream.on("error", () => {
      done();
    });
  });
  return {
    send: (response, isLast = false) => {
      const written = new Promise<void>((done) => {
        stream.write({ stagingToken, isLast, response }, () => {
          done();
        });
      });
      return Promise.race([written, ended]);
    },
  };
}

async function answer(
  request: artifactApi.ArtifactRequestWrapper["request"],
  files: ReadonlyMap<string, ArtifactFile>,
  sender: Sender,
): Promise<void> {
  switch (request.oneofKind) {
    case "resolveArtifact": {
      const { artifacts } = request.resolveArtifact;
      await sender.send({
        oneofKind: "resolveArtifactResponse",
        resolveArtifactResponse: { replacements: artifacts },
      });
      return;
    }
    case "getArtifact":
      await sendFile(offeredFile(request.getArtifact.artifact, files), sender);
      return;
    default:
      throw refused("something that is no request for a file");
  }
}

function offeredFile(
  artifact: runnerApi.ArtifactInformation | undefined,
  files: ReadonlyMap<string, ArtifactFile>,
): ArtifactFile {
  if (artifact?.typeUrn !== "beam:artifact:type:file:v1")
    throw refused(`an artifact of the type ${JSON.stringify(artifact?.typeUrn ?? "")}`);
  const { path } = runnerApi.ArtifactFilePayload.fromBinary(artifact.typePayload);
  const file = files.get(resolve(path));
  if (!file) throw refused(`the file ${JSON.stringify(path)}`);
  return file;
}

async function sendFile({ path, sha256 }: ArtifactFile, sender: Sender): Promise<void> {
  const hash = createHash("sha256");
  for await (const data of createReadStream(path, { highWaterMark: chunkBytes }) as AsyncIterable<Buffer>) {
    hash.update(data);
    await sender.send({ oneofKind: "getArtifactResponse", getArtifactResponse: { data } });
  }
  if (hash.digest("hex") !== sha256) {
    throw new SnapshotError(
      "RUNNER_ARTIFACT_REFUSED",
      `${JSON.stringify(path)} has changed since the job was prepared, so the job was not started. Run it again.`,
      { file: path },
    );
  }
  const nothing = new Uint8Array();
  await sender.send({ oneofKind: "getArtifactResponse", getArtifactResponse: { data: nothing } }, true);
}

function refused(what: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_ARTIFACT_REFUSED",
    `The job server asked for ${what}, which is not among the files of the job. Nothing of it was sent. Is this a job server you trust?`,
  );
}
