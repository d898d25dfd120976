import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { fnApi } from "../../beam/messages.js";
import { connect, openStream } from "../grpc/client.js";
import { control } from "../grpc/method.js";

/**
 * Takes the place of a worker that could not be started, and answers every instruction with the reason. Runners tell an error of an instruction to whoever
 * submitted the job, where the end of a process is told without its reason (Flink), or not noticed (Prism waits for the worker for good).
 * Resolves when the runner has ended the connection, at the latest so long after it was last asked.
 */
export async function refuseWork(options: {
  readonly id: string;
  readonly control: string;
  /** What the runner is told. */
  readonly reason: string;
  readonly idleMs: number;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  const { id, reason, idleMs, signal } = options;
  const client = connect(options.control);
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
    stream.on("data", ({ instructionId }: fnApi.InstructionRequest) => {
      wait();
      stream.write({ instructionId, error: reason, response: { oneofKind: undefined } });
    });
    stream.on("end", resolve);
    stream.on("error", () => {
      resolve();
    });
  });
  clearTimeout(timer);
  stream.end();
  client.close();
}
