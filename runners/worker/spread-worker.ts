/**
 * One worker for the runner, several processes behind it. A runner gives each of its worker ids one control and one data connection, and places
 * bundles on ids as it likes (two on one id while another is idle, or all on one). So the connections end here, and a bundle is placed on the
 * process that has the fewest of its stage, then the fewest in all: bundles that only wait for others count little. Processes are ordinary workers that take this for their runner; side inputs and logs they exchange with the runner
 * itself.
 */
import type { ClientDuplexStream, ServerDuplexStream } from "@grpc/grpc-js";
import type { fnApi } from "../../beam/messages.js";
import { call, connect, openStream } from "../grpc/client.js";
import { control } from "../grpc/method.js";
import { bidirectional, type RunningServer, serve, unary } from "../grpc/server.js";
import { relayData } from "./relay-data.js";

/** A worker that is spread. */
export interface SpreadWorker {
  /** One control address for each process. */
  readonly addresses: readonly string[];
  close(): void;
}

type ToRunner = ClientDuplexStream<fnApi.InstructionResponse, fnApi.InstructionRequest>;
type ToProcess = ServerDuplexStream<fnApi.InstructionResponse, fnApi.InstructionRequest>;

/** Begins to serve the runner when all processes have connected. */
export async function spreadWorker(settings: {
  readonly id: string;
  readonly control: string;
  readonly processes: number;
}): Promise<SpreadWorker> {
  const { id: workerId } = settings;
  const runner = connect(settings.control);
  const processes = new Map<number, ToProcess>();
  /** Bundles that run, by instruction id. */
  const placed = new Map<string, { readonly process: number; readonly stage: string }>();
  const collecting = new Map<string, Collected>();
  let next = 0;
  let toRunner: ToRunner | undefined;
  const place = (instructionId: string, stage: string): number => {
    const load = Array.from({ length: settings.processes }, () => ({ same: 0, all: 0 }));
    for (const bundle of placed.values()) {
      const own = load[bundle.process]!;
      own.all++;
      if (bundle.stage === stage) own.same++;
    }
    let best = next++ % load.length;
    for (const [process, { same, all }] of load.entries()) {
      const least = load[best]!;
      if (same < least.same || (same === least.same && all < least.all)) best = process;
    }
    placed.set(instructionId, { process: best, stage });
    relay.placed(instructionId);
    return best;
  };
  const processOf = (instructionId: string): number | undefined => placed.get(instructionId)?.process;
  const relay = relayData(workerId, { processes: settings.processes, processOf });

  const instruct = (request: fnApi.InstructionRequest): void => {
    const { instructionId, request: kind } = request;
    switch (kind.oneofKind) {
      case "processBundle":
        processes.get(place(instructionId, kind.processBundle.processBundleDescriptorId))!.write(request);
        return;
      case "processBundleProgress":
        processes.get(processOf(kind.processBundleProgress.instructionId) ?? 0)!.write(request);
        return;
      case "processBundleSplit":
        processes.get(processOf(kind.processBundleSplit.instructionId) ?? 0)!.write(request);
        return;
      case "register":
      case "monitoringInfos":
        collecting.set(instructionId, { waitingFor: settings.processes, first: undefined });
        for (const process of processes.values()) process.write(request);
        return;
      default:
        processes.get(0)!.write(request);
    }
  };
  const answer = (response: fnApi.InstructionResponse): void => {
    const { instructionId } = response;
    const collected = collecting.get(instructionId);
    if (collected) {
      collected.first = merge(collected.first, response);
      if (--collected.waitingFor > 0) return;
      collecting.delete(instructionId);
      toRunner?.write(collected.first);
      return;
    }
    if (placed.delete(instructionId)) relay.forget(instructionId);
    toRunner?.write(response);
  };
  const open = (): void => {
    toRunner = openStream(runner, control.control, { workerId });
    toRunner.on("data", instruct);
    // The job is over, or the runner is gone: the processes end with their control connections.
    const end = (): void => {
      for (const process of processes.values()) process.end();
    };
    toRunner.on("end", end);
    toRunner.on("error", end);
  };

  const servers: RunningServer[] = await Promise.all(
    Array.from({ length: settings.processes }, (_, process) =>
      serve([
        bidirectional(control.control, (stream) => {
          processes.set(process, stream);
          stream.on("data", answer);
          // A process that is gone takes its bundles along: without the connection the runner knows.
          stream.on("cancelled", () => {
            toRunner?.cancel();
          });
          if (processes.size === settings.processes) open();
        }),
        unary(control.getProcessBundleDescriptor, async (request) =>
          relay.redirect(
            process,
            await call(runner, control.getProcessBundleDescriptor, request, { workerId }),
          ),
        ),
      ]),
    ),
  );
  return {
    addresses: servers.map(({ address }) => address),
    close() {
      toRunner?.cancel();
      relay.close();
      for (const server of servers) server.close();
      runner.close();
    },
  };
}

/** Answers of all processes to one instruction. */
interface Collected {
  waitingFor: number;
  first: fnApi.InstructionResponse | undefined;
}

function merge(
  first: fnApi.InstructionResponse | undefined,
  other: fnApi.InstructionResponse,
): fnApi.InstructionResponse {
  if (!first || other.error !== "") return other;
  const [into, from] = [first.response, other.response];
  if (into.oneofKind === "monitoringInfos" && from.oneofKind === "monitoringInfos")
    Object.assign(into.monitoringInfos.monitoringInfo, from.monitoringInfos.monitoringInfo);
  return first;
}
