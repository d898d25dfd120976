import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { channelOptions, decoder, encoder } from "./client.js";
import type { Method } from "./method.js";

/** A method with what answers it. Made by `unary`, `serverStream` or `bidirectional`. */
export interface Handler {
  readonly path: string;
  readonly definition: {
    readonly path: string;
    readonly requestStream: boolean;
    readonly responseStream: boolean;
    readonly requestSerialize: (message: never) => Buffer;
    readonly requestDeserialize: (bytes: Buffer) => unknown;
    readonly responseSerialize: (message: never) => Buffer;
    readonly responseDeserialize: (bytes: Buffer) => unknown;
  };
  readonly handle: UntypedHandleCall;
}

/** Answers one request with one response; a rejection is sent as the call's error. */
export function unary<RequestT, ResponseT>(
  method: Method<RequestT, ResponseT>,
  answer: (request: RequestT, workerId: string) => ResponseT | Promise<ResponseT>,
): Handler {
  const handle: handleUnaryCall<RequestT, ResponseT> = (call, callback) => {
    Promise.resolve()
      .then(() => answer(call.request, workerIdOf(call)))
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          callback(asServiceError(error));
        },
      );
  };
  return handler(method, false, false, handle);
}

/** Answers one request with a stream. */
export function serverStream<RequestT, ResponseT>(
  method: Method<RequestT, ResponseT>,
  handle: handleServerStreamingCall<RequestT, ResponseT>,
): Handler {
  return handler(method, false, true, handle);
}

/** Messages both ways. */
export function bidirectional<RequestT, ResponseT>(
  method: Method<RequestT, ResponseT>,
  handle: handleBidiStreamingCall<RequestT, ResponseT>,
): Handler {
  return handler(method, true, true, handle);
}

/** A server that listens. */
export interface RunningServer {
  /** `host:port` under which it is reached. */
  readonly address: string;
  /** Ends it and every call at once. */
  close(): void;
}

/**
 * Serves methods in plain text.
 * @param address `host:port`; port 0 takes a free one
 * @throws when the address can't be had
 */
export async function serve(handlers: readonly Handler[], address = "127.0.0.1:0"): Promise<RunningServer> {
  const server = new Server({ ...channelOptions });
  const services = new Map<string, Handler[]>();
  for (const one of handlers) {
    const service = one.path.split("/")[1]!;
    services.set(service, [...(services.get(service) ?? []), one]);
  }
  for (const own of services.values()) {
    server.addService(
      Object.fromEntries(own.map(({ path, definition }) => [path, definition])) as never,
      Object.fromEntries(own.map(({ path, handle }) => [path, handle])),
    );
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    address: `${address.slice(0, address.lastIndexOf(":"))}:${port}`,
    close: () => {
      server.forceShutdown();
    },
  };
}

/** The worker that makes a call, "" when it does not say. */
export function workerIdOf(call: { readonly metadata: { get(key: string): unknown[] } }): string {
  const [id] = call.metadata.get("worker_id");
  return typeof id === "string" ? id : "";
}

function handler<RequestT, ResponseT>(
  { path, request, response }: Method<RequestT, ResponseT>,
  requestStream: boolean,
  responseStream: boolean,
  handle: unknown,
): Handler {
  return {
    path,
    definition: {
      path,
      requestStream,
      responseStream,
      requestSerialize: encoder(request),
      requestDeserialize: decoder(request),
      responseSerialize: encoder(response),
      responseDeserialize: decoder(response),
    },
    handle: handle as UntypedHandleCall,
  };
}

function asServiceError(error: unknown): Partial<ServiceError> {
  const { code, message } = error as Partial<ServiceError>;
  return { code: typeof code === "number" ? code : status.UNKNOWN, details: message ?? String(error) };
}
