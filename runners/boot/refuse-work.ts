import type { Client, ClientDuplexStream } from "@grpc/grpc-js";
import { fnApi } from "../../beam/messages.js";
import { call, connect, openStream } from "../grpc/client.js";
import { control, data } from "../grpc/method.js";

/** Whose work is refused, and why. */
export interface Refusal {
  readonly id: string;
  /** `host:port` of the runner's control service. */
  readonly control: string;
  /** What the runner is told. */
  readonly reason: string;
  /** How long an instruction is waited for. */
  readonly idleMs: number;
  readonly signal?: AbortSignal | undefined;
}

const callTimeoutMs = 10_000;

/**
 * Takes the place of a worker that could not be started, and answers every instruction with the reason. Runners tell an error of an instruction to whoever
 * submitted the job, where the end of a process is told without its reason (Flink), or not noticed (Prism waits for the worker for good).
 * Resolves when the runner has ended the connection, at the latest so long after it was last asked.
 */
export async function refuseWork({ id, reason, idleMs, signal, ...runner }: Refusal): Promise<void> {
  const client = connect(runner.control);
  const elements = discardElements(id);
  const stream: ClientDuplexStream<fnApi.InstructionResponse, fnApi.InstructionRequest> = openStream(
    client,
    control.control,
    { workerId: id, signal },
  );
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(resolve, idleMs);
    };
    wait();
    stream.on("data", ({ instructionId, request }: fnApi.InstructionRequest) => {
      wait();
      void elements.expect(client, request).then(() => {
        if (stream.writable)
          stream.write({ instructionId, error: reason, response: { oneofKind: undefined } });
      });
    });
    stream.on("end", resolve);
    stream.on("error", () => {
      resolve();
    });
  });
  clearTimeout(timer);
  elements.close();
  stream.end();
  client.close();
}

/** Flink waits minutes for the data connection of a worker before it reads that a bundle has failed. So it gets one, for elements that nobody wants. */
function discardElements(workerId: string): {
  expect(client: Client, request: fnApi.InstructionRequest["request"]): Promise<void>;
  close(): void;
} {
  const clients = new Map<string, Client>();
  const open = (address: string): void => {
    if (clients.has(address)) return;
    const client = connect(address);
    clients.set(address, client);
    const stream = openStream(client, data.data, { workerId });
    stream.on("error", () => undefined);
    stream.resume();
  };
  return {
    async expect(client, request) {
      if (request.oneofKind !== "processBundle") return;
      const { processBundleDescriptorId } = request.processBundle;
      const options = { workerId, timeoutMs: callTimeoutMs };
      const descriptor = await call(
        client,
        control.getProcessBundleDescriptor,
        { processBundleDescriptorId },
        options,
      ).catch(() => undefined);
      for (const { spec } of Object.values(descriptor?.transforms ?? {})) {
        if (spec?.urn !== "beam:runner:source:v1" && spec?.urn !== "beam:runner:sink:v1") continue;
        const { url = "" } = fnApi.RemoteGrpcPort.fromBinary(spec.payload).apiServiceDescriptor ?? {};
        if (url !== "") open(url);
      }
    },
    close() {
      for (const client of clients.values()) client.close();
    },
  };
}
