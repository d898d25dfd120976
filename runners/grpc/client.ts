import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
  type StatusObject,
} from "@grpc/grpc-js";
import type { MessageType, Method } from "./method.js";

/** Largest message that is sent or taken: elements and artifacts above gRPC's usual 4 MiB are normal. */
const maxMessageBytes = 128 * 1024 * 1024;

export const channelOptions = {
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
  // Without it two channels of one process to one address share a connection, and with it one flow-control window.
  "grpc.use_local_subchannel_pool": 1,
  // The usual 64 KiB make a message of a megabyte wait for sixteen answers.
  "grpc-node.flow_control_window": 16 * 1024 * 1024,
  // A proxy from the environment must not come between programs of one machine or cluster.
  "grpc.enable_http_proxy": 0,
} as const;

/** Options of a call. */
export interface CallOptions {
  /** Sent as `worker_id` metadata, by which a runner knows its worker. */
  readonly workerId?: string | undefined;
  /** The call fails with DEADLINE_EXCEEDED after so many milliseconds. Default: never. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens a plain-text connection to `host:port` (or gRPC's other target names). It connects on the first call; close it at the end. */
export function connect(address: string): Client {
  return new Client(address, credentials.createInsecure(), { ...channelOptions });
}

/** One request, one response. @throws the gRPC error, with its code and details */
export function call<RequestT, ResponseT>(
  client: Client,
  method: Method<RequestT, ResponseT>,
  request: RequestT,
  options: CallOptions = {},
): Promise<ResponseT> {
  return new Promise((resolve, reject) => {
    const running = client.makeUnaryRequest(
      method.path,
      encoder(method.request),
      decoder(method.response),
      request,
      metadataOf(options),
      callOptions(options),
      (error: ServiceError | null, response?: ResponseT) => {
        if (error) reject(error);
        else resolve(response!);
      },
    );
    cancelOn(options.signal, running);
  });
}

/** One request, a stream of responses. Consume it with `for await` over `messagesOf`; leaving the loop cancels the call. */
export function callForStream<RequestT, ResponseT>(
  client: Client,
  method: Method<RequestT, ResponseT>,
  request: RequestT,
  options: CallOptions = {},
): ClientReadableStream<ResponseT> {
  const running = client.makeServerStreamRequest(
    method.path,
    encoder(method.request),
    decoder(method.response),
    request,
    metadataOf(options),
    callOptions(options),
  );
  cancelOn(options.signal, running);
  return running;
}

/** Messages both ways at once. The caller must listen to "error". */
export function openStream<RequestT, ResponseT>(
  client: Client,
  method: Method<RequestT, ResponseT>,
  options: CallOptions = {},
): ClientDuplexStream<RequestT, ResponseT> {
  const running = client.makeBidiStreamRequest(
    method.path,
    encoder(method.request),
    decoder(method.response),
    metadataOf(options),
    callOptions(options),
  );
  cancelOn(options.signal, running);
  return running;
}

/**
 * The messages of a call, to its end. To be called as soon as there is the stream.
 * @throws the gRPC error when the call fails: a loop over the stream itself takes a failure from before the loop for the end
 */
export function messagesOf<T>(
  stream: ClientReadableStream<T> | ClientDuplexStream<never, T>,
): AsyncGenerator<T, void, undefined> {
  const ended = new Promise<StatusObject>((resolve) => stream.once("status", resolve));
  // Whether the loop sees it or not, the status tells it.
  stream.on("error", () => undefined);
  return read<T>(stream as AsyncIterable<T>, ended);
}

async function* read<T>(
  stream: AsyncIterable<T>,
  ended: Promise<StatusObject>,
): AsyncGenerator<T, void, undefined> {
  for await (const message of stream) yield message;
  const { code, details, metadata } = await ended;
  if (code !== status.OK)
    throw Object.assign(new Error(`${code} ${status[code]}: ${details}`), { code, details, metadata });
}

/** The bytes of a message as gRPC takes them, without a copy. */
export function encoder<T>(type: MessageType<T>): (message: T) => Buffer {
  return (message) => {
    const bytes = type.toBinary(message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

export function decoder<T>(type: MessageType<T>): (bytes: Buffer) => T {
  return (bytes) => type.fromBinary(bytes);
}

function metadataOf({ workerId }: CallOptions): Metadata {
  const metadata = new Metadata();
  if (workerId !== undefined) metadata.set("worker_id", workerId);
  return metadata;
}

function callOptions({ timeoutMs }: CallOptions): { deadline?: number } {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

interface CancellableCall {
  cancel(): void;
  once(event: "status", listener: () => void): unknown;
}

function cancelOn(signal: AbortSignal | undefined, running: CancellableCall): void {
  if (!signal) return;
  const cancel = (): void => {
    running.cancel();
  };
  if (signal.aborted) {
    cancel();
    return;
  }
  signal.addEventListener("abort", cancel, { once: true });
  running.once("status", () => {
    signal.removeEventListener("abort", cancel);
  });
}
