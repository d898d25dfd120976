import type { ClientDuplexStream, ServerDuplexStream } from "@grpc/grpc-js";
import { fnApi } from "../../beam/messages.js";
import { connect, openStream } from "../grpc/client.js";
import { data } from "../grpc/method.js";
import { bidirectional, type RunningServer, serve } from "../grpc/server.js";

/** Data of a worker that is spread over processes. */
export interface DataRelay {
  /** The stage, with the addresses at which a process finds its data here. */
  redirect(
    process: number,
    descriptor: fnApi.ProcessBundleDescriptor,
  ): Promise<fnApi.ProcessBundleDescriptor>;
  /** It is known now where the bundle runs: what came for it before is passed on. */
  placed(instructionId: string): void;
  /** The bundle is over: what still comes for it is let go. */
  forget(instructionId: string): void;
  close(): void;
}

type ToRunner = ClientDuplexStream<fnApi.Elements, fnApi.Elements>;
type ToProcess = ServerDuplexStream<fnApi.Elements, fnApi.Elements>;

const portUrns: readonly string[] = ["beam:runner:source:v1", "beam:runner:sink:v1"];
const rememberedBundles = 4096;

/**
 * Passes elements between the runner's data connections and those of the processes, a message at a time and at the pace of who reads slower.
 * Nothing is decoded but whose it is.
 */
export function relayData(
  workerId: string,
  {
    processes,
    processOf,
  }: {
    readonly processes: number;
    /** Where a bundle runs; undefined before its instruction has come. */
    readonly processOf: (instructionId: string) => number | undefined;
  },
): DataRelay {
  const lanes = new Map<string, Promise<Lane>>();
  const over = new Set<string>();
  const laneTo = (address: string): Promise<Lane> => {
    let lane = lanes.get(address);
    if (!lane) lanes.set(address, (lane = openLane(address, workerId, processes, processOf, over)));
    return lane;
  };
  return {
    async redirect(process, descriptor) {
      const copy = fnApi.ProcessBundleDescriptor.clone(descriptor);
      for (const { spec } of Object.values(copy.transforms)) {
        if (!spec || !portUrns.includes(spec.urn)) continue;
        const port = fnApi.RemoteGrpcPort.fromBinary(spec.payload);
        const lane = await laneTo(port.apiServiceDescriptor!.url);
        port.apiServiceDescriptor!.url = lane.addresses[process]!;
        spec.payload = fnApi.RemoteGrpcPort.toBinary(port);
      }
      return copy;
    },
    placed(instructionId) {
      for (const lane of lanes.values()) {
        lane.then(
          ({ placed }) => {
            placed(instructionId);
          },
          () => undefined,
        );
      }
    },
    forget(instructionId) {
      over.add(instructionId);
      if (over.size > rememberedBundles) over.delete(over.values().next().value!);
    },
    close() {
      for (const lane of lanes.values()) {
        lane.then(
          ({ close }) => {
            close();
          },
          () => undefined,
        );
      }
    },
  };
}

/** One data address of the runner and its counterparts here. */
interface Lane {
  readonly addresses: readonly string[];
  readonly placed: (instructionId: string) => void;
  readonly close: () => void;
}

async function openLane(
  address: string,
  workerId: string,
  processes: number,
  processOf: (instructionId: string) => number | undefined,
  over: ReadonlySet<string>,
): Promise<Lane> {
  const client = connect(address);
  const toRunner: ToRunner = openStream(client, data.data, { workerId });
  const streams = new Map<number, ToProcess>();
  /** What came for a process that has not connected yet. */
  const early = new Map<number, fnApi.Elements[]>();
  /** What came before the instruction of its bundle, which comes on a connection of its own. */
  const unplaced = new Map<string, fnApi.Elements>();
  let full = 0;

  const send = (process: number, elements: fnApi.Elements): void => {
    const stream = streams.get(process);
    if (!stream) {
      early.set(process, [...(early.get(process) ?? []), elements]);
      return;
    }
    if (stream.write(elements)) return;
    full++;
    toRunner.pause();
    stream.once("drain", () => {
      if (--full === 0) toRunner.resume();
    });
  };
  const placed = (instructionId: string): void => {
    const elements = unplaced.get(instructionId);
    const process = processOf(instructionId);
    if (!elements || process === undefined) return;
    unplaced.delete(instructionId);
    send(process, elements);
  };
  toRunner.on("data", (elements: fnApi.Elements) => {
    const shares = new Map<number, fnApi.Elements>();
    const shareOf = (instructionId: string): fnApi.Elements => {
      const process = processOf(instructionId);
      if (process === undefined) return elementsIn(unplaced, instructionId);
      placed(instructionId);
      return elementsIn(shares, process);
    };
    for (const part of elements.data)
      if (!over.has(part.instructionId)) shareOf(part.instructionId).data.push(part);
    for (const part of elements.timers)
      if (!over.has(part.instructionId)) shareOf(part.instructionId).timers.push(part);
    for (const [process, share] of shares) send(process, share);
  });
  const end = (): void => {
    for (const stream of streams.values()) stream.end();
  };
  toRunner.on("end", end);
  toRunner.on("error", end);

  const servers: RunningServer[] = await Promise.all(
    Array.from({ length: processes }, (_, process) =>
      serve([
        bidirectional(data.data, (stream) => {
          streams.set(process, stream);
          stream.on("data", (elements: fnApi.Elements) => {
            if (toRunner.write(elements)) return;
            stream.pause();
            toRunner.once("drain", () => {
              stream.resume();
            });
          });
          for (const elements of early.get(process) ?? []) send(process, elements);
          early.delete(process);
        }),
      ]),
    ),
  );
  return {
    addresses: servers.map((server) => server.address),
    placed,
    close() {
      toRunner.cancel();
      for (const server of servers) server.close();
      client.close();
    },
  };
}

function elementsIn<K>(map: Map<K, fnApi.Elements>, key: K): fnApi.Elements {
  let elements = map.get(key);
  if (!elements) map.set(key, (elements = { data: [], timers: [] }));
  return elements;
}
