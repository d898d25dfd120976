import type { Client, ClientDuplexStream } from "@grpc/grpc-js";
import type { StatePlane } from "../../beam/bundle-runner.js";
import type { fnApi } from "../../beam/model.js";
import { connect, openStream } from "../grpc/client.js";
import { state } from "../grpc/method.js";

/** The state connections of a worker. */
export interface StateConnections extends StatePlane {
  close(): void;
}

interface StateConnection {
  ask(instructionId: string, key: fnApi.StateKey, continuation: Uint8Array): Promise<fnApi.StateGetResponse>;
  close(): void;
}

interface Waiting {
  readonly resolve: (response: fnApi.StateGetResponse) => void;
  readonly reject: (error: Error) => void;
}

/** Opens a state connection to each address when it is first asked for. Answers may come in any order. */
export function stateConnections(workerId: string): StateConnections {
  const open = new Map<string, StateConnection>();
  return {
    async read(address, instructionId, key) {
      let connection = open.get(address);
      if (!connection) open.set(address, (connection = openStateConnection(address, workerId)));
      const parts: Uint8Array[] = [];
      let continuation: Uint8Array = new Uint8Array();
      do {
        const { data, continuationToken } = await connection.ask(instructionId, key, continuation);
        parts.push(data);
        continuation = continuationToken;
      } while (continuation.length > 0);
      return parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts));
    },
    close() {
      for (const connection of open.values()) connection.close();
    },
  };
}

function openStateConnection(address: string, workerId: string): StateConnection {
  const client: Client = connect(address);
  const stream: ClientDuplexStream<fnApi.StateRequest, fnApi.StateResponse> = openStream(
    client,
    state.state,
    { workerId },
  );
  const waiting = new Map<string, Waiting>();
  let serial = 0;
  let broken: Error | undefined;
  const fail = (error: Error): void => {
    broken ??= error;
    for (const { reject } of waiting.values()) reject(broken);
    waiting.clear();
  };
  stream.on("data", ({ id, error, response }: fnApi.StateResponse) => {
    const request = waiting.get(id);
    waiting.delete(id);
    if (!request) return;
    if (error !== "") request.reject(new Error(`The runner could not read a side input: ${error}`));
    else if (response.oneofKind === "get") request.resolve(response.get);
    else
      request.reject(new Error(`The runner answered "${response.oneofKind}" when asked for a side input.`));
  });
  stream.on("error", (error: Error) => {
    fail(
      new Error(`The state connection to the runner at ${address} broke: ${error.message}`, { cause: error }),
    );
  });
  stream.on("end", () => {
    fail(new Error(`The runner at ${address} closed the state connection.`));
  });
  return {
    ask: (instructionId, stateKey, continuationToken) =>
      new Promise((resolve, reject) => {
        if (broken) {
          reject(broken);
          return;
        }
        const id = `${serial++}`;
        waiting.set(id, { resolve, reject });
        stream.write({
          id,
          instructionId,
          stateKey,
          request: { oneofKind: "get", get: { continuationToken } },
        });
      }),
    close() {
      stream.end();
      client.close();
    },
  };
}
