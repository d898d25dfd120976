import { type Client } from "@grpc/grpc-js";
import { jobApi } from "../../beam/model.js";
import { callForStream } from "../grpc/client.js";
import { jobs } from "../grpc/method.js";

/** What a runner says about a job. */
export interface JobMessage {
  readonly severity: "debug" | "info" | "warning" | "error";
  readonly text: string;
}

export type MessageListener = (message: JobMessage) => void;

/** Job servers say the same again when they are asked again, and some say one error for each of its causes. */
const rememberedMessages = 10_000;

/** Messages of a job as they come. */
export interface MessageFollower {
  /** Resolves at the end of the messages, or after some time without: not every server ends its stream. */
  end(graceMs: number): Promise<void>;
}

/** Hands every message of a job to the listener, each once. Errors of the stream are not errors of the job. */
export function followMessages(client: Client, jobId: string, listener: MessageListener): MessageFollower {
  const abort = new AbortController();
  const seen = new Set<string>();
  const take = (message: jobApi.JobMessage): void => {
    const identity = JSON.stringify([message.messageId, message.importance, message.messageText]);
    if (seen.has(identity)) return;
    if (seen.size < rememberedMessages) seen.add(identity);
    listener({ severity: severityOf(message.importance), text: message.messageText });
  };
  const done = (async () => {
    const stream = callForStream(client, jobs.getMessageStream, { jobId }, { signal: abort.signal });
    for await (const { response } of stream as AsyncIterable<jobApi.JobMessagesResponse>)
      if (response.oneofKind === "messageResponse") take(response.messageResponse);
  })().catch(() => undefined);
  return {
    async end(graceMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
      await Promise.race([done, late]);
      clearTimeout(timer);
      abort.abort();
      await done;
    },
  };
}

function severityOf(importance: jobApi.JobMessage_MessageImportance): JobMessage["severity"] {
  switch (importance) {
    case jobApi.JobMessage_MessageImportance.JOB_MESSAGE_ERROR:
      return "error";
    case jobApi.JobMessage_MessageImportance.JOB_MESSAGE_WARNING:
      return "warning";
    case jobApi.JobMessage_MessageImportance.JOB_MESSAGE_DEBUG:
      return "debug";
    default:
      return "info";
  }
}
