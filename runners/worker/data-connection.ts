import type { Client, ClientDuplexStream } from "@grpc/grpc-js";
import type { DataInput, DataOutput, DataPlane } from "../../beam/data-plane.js";
import type { fnApi } from "../../beam/model.js";
import { connect, openStream } from "../grpc/client.js";
import { data } from "../grpc/method.js";

/** Bytes that may wait for steps before the runner is asked to pause, and how few have to be left before it may go on. */
const mostWaitingBytes = 32 << 20;
const fewWaitingBytes = 8 << 20;

/** Bundles that are over, of which data may still come: so many are remembered. */
const rememberedBundles = 4096;

interface Input {
  readonly messages: Uint8Array[];
  isWhole: boolean;
  /** The bundle is over, though its steps may still wait: one that failed for an error of its process. */
  isOver: boolean;
  wake: (() => void) | undefined;
}

/** The data connection of a worker to one address. */
export interface DataConnection {
  input(instructionId: string, transformId: string): DataInput;
  output(instructionId: string, transformId: string): DataOutput;
  /** The bundle is over in any way: what waits for it is let go. */
  forget(instructionId: string): void;
  close(): void;
}

/**
 * Opens the data connection to an address. Messages of one source of one bundle are handed out in their order, one at a time. All bundles
 * share the connection, so when steps are slow the runner is paused as a whole; no bundle can wait for one that has not begun, since every
 * bundle begins as soon as its instruction comes.
 */
export function openDataConnection(address: string, workerId: string): DataConnection {
  const client: Client = connect(address);
  const stream: ClientDuplexStream<fnApi.Elements, fnApi.Elements> = openStream(client, data.data, {
    workerId,
  });
  const inputs = new Map<string, Map<string, Input>>();
  const over = new Set<string>();
  let waitingBytes = 0;
  let broken: Error | undefined;
  let draining: Promise<void> | undefined;

  const inputOf = (instructionId: string, transformId: string): Input => {
    let own = inputs.get(instructionId);
    if (!own) inputs.set(instructionId, (own = new Map<string, Input>()));
    let input = own.get(transformId);
    if (!input)
      own.set(transformId, (input = { messages: [], isWhole: false, isOver: false, wake: undefined }));
    return input;
  };
  const release = (bytes: number): void => {
    waitingBytes -= bytes;
    if (waitingBytes <= fewWaitingBytes && stream.isPaused()) stream.resume();
  };
  const letGo = (input: Input): void => {
    const bytes = input.messages.splice(0).reduce((sum, { length }) => sum + length, 0);
    if (bytes > 0) release(bytes);
  };
  const fail = (error: Error): void => {
    broken ??= error;
    for (const own of inputs.values()) for (const input of own.values()) input.wake?.();
  };

  stream.on("data", ({ data: messages, timers }: fnApi.Elements) => {
    if (timers.length > 0) fail(new Error("The runner sent timers, which steps of this SDK do not have."));
    for (const { instructionId, transformId, data: bytes, isLast } of messages) {
      if (over.has(instructionId)) continue;
      const input = inputOf(instructionId, transformId);
      if (bytes.length > 0) {
        input.messages.push(bytes);
        waitingBytes += bytes.length;
      }
      if (isLast) input.isWhole = true;
      input.wake?.();
    }
    if (waitingBytes >= mostWaitingBytes) stream.pause();
  });
  stream.on("error", (error: Error) => {
    fail(
      new Error(`The data connection to the runner at ${address} broke: ${error.message}`, { cause: error }),
    );
  });
  stream.on("end", () => {
    fail(new Error(`The runner at ${address} closed the data connection.`));
  });

  const drained = (): Promise<void> =>
    (draining ??= new Promise((resolve) => {
      const end = (): void => {
        draining = undefined;
        for (const event of ["drain", "close", "error"]) stream.off(event, end);
        resolve();
      };
      for (const event of ["drain", "close", "error"]) stream.once(event, end);
    }));
  const send = (message: fnApi.Elements_Data): Promise<void> | null => {
    if (broken) throw broken;
    return stream.write({ data: [message], timers: [] }) ? null : drained();
  };

  return {
    input(instructionId, transformId) {
      const input = inputOf(instructionId, transformId);
      let isClosed = false;
      return {
        async next() {
          while (input.messages.length === 0 && !input.isWhole && !isClosed) {
            if (broken) throw broken;
            if (input.isOver) throw new Error(`The bundle ${instructionId} is over.`);
            await new Promise<void>((resolve) => (input.wake = resolve));
            input.wake = undefined;
          }
          const message = isClosed ? undefined : input.messages.shift();
          if (message) release(message.length);
          return message;
        },
        close() {
          isClosed = true;
          letGo(input);
          input.wake?.();
        },
      };
    },
    output: (instructionId, transformId) => ({
      write: (bytes) => send({ instructionId, transformId, data: bytes, isLast: false }),
      end() {
        void send({ instructionId, transformId, data: new Uint8Array(), isLast: true });
      },
    }),
    forget(instructionId) {
      for (const input of inputs.get(instructionId)?.values() ?? []) {
        letGo(input);
        input.isOver = true;
        input.wake?.();
      }
      inputs.delete(instructionId);
      over.add(instructionId);
      if (over.size > rememberedBundles) over.delete(over.values().next().value!);
    },
    close() {
      stream.end();
      client.close();
    },
  };
}

/** The data connections of a worker, each opened when the first bundle asks for it. */
export interface DataConnections extends DataPlane {
  forget(instructionId: string): void;
  close(): void;
}

/** @param workerId Sent with each call, by which the runner knows its worker */
export function dataConnections(workerId: string): DataConnections {
  const open = new Map<string, DataConnection>();
  const at = (address: string): DataConnection => {
    let connection = open.get(address);
    if (!connection) open.set(address, (connection = openDataConnection(address, workerId)));
    return connection;
  };
  return {
    input: (address, instructionId, transformId) => at(address).input(instructionId, transformId),
    output: (address, instructionId, transformId) => at(address).output(instructionId, transformId),
    forget(instructionId) {
      for (const connection of open.values()) connection.forget(instructionId);
    },
    close() {
      for (const connection of open.values()) connection.close();
    },
  };
}
