import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { fnApi } from "../../beam/model.js";
import { connect, openStream } from "../grpc/client.js";
import { control } from "../grpc/method.js";
import { dataConnections } from "./data-connection.js";
import { createInstructions } from "./instructions.js";
import { stateConnections } from "./state-connections.js";

/** A worker that a runner has asked for. */
export interface WorkerSettings {
  /** The id that the runner gave it. */
  readonly id: string;
  /** `host:port` of the runner's control service. */
  readonly control: string;
  /** Ends the worker. */
  readonly signal?: AbortSignal | undefined;
  /** Called once with a way to fail all bundles that run, for errors that belong to none of them. */
  readonly onRunning?: ((failAll: (error: unknown) => void) => void) | undefined;
}

/**
 * Serves a runner until it closes the control connection: bundles run side by side in this process, each exactly once. Errors of bundles are
 * answered to the runner, never thrown here.
 * @throws when the control connection breaks
 */
export async function runWorker(settings: WorkerSettings): Promise<void> {
  const { id, signal } = settings;
  const client = connect(settings.control);
  const data = dataConnections(id);
  const state = stateConnections(id);
  const stream: ClientDuplexStream<fnApi.InstructionResponse, fnApi.InstructionRequest> = openStream(
    client,
    control.control,
    { workerId: id },
  );
  const instructions = createInstructions({ workerId: id, control: client, data, state });
  settings.onRunning?.((error) => {
    instructions.failAll(error);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      stream.on("data", (request: fnApi.InstructionRequest) => {
        void instructions.handle(request).then((response) => {
          if (stream.writable) stream.write(response);
        });
      });
      stream.on("end", resolve);
      stream.on("error", (error: Error) => {
        if (signal?.aborted === true) resolve();
        else
          reject(
            new Error(`The control connection to the runner at ${settings.control} broke: ${error.message}`, {
              cause: error,
            }),
          );
      });
      signal?.addEventListener("abort", () => {
        stream.cancel();
      });
    });
  } finally {
    stream.end();
    data.close();
    state.close();
    client.close();
  }
}
