import type { ServerDuplexStream } from "@grpc/grpc-js";
import { type fnApi } from "../../../beam/model.js";
import { control, data, logging, state } from "../../../runners/grpc/method.js";
import { bidirectional, serve, unary, workerIdOf } from "../../../runners/grpc/server.js";

type ControlStream = ServerDuplexStream<fnApi.InstructionResponse, fnApi.InstructionRequest>;
type DataStream = ServerDuplexStream<fnApi.Elements, fnApi.Elements>;
type Request = fnApi.InstructionRequest["request"];

/** The runner's side of the Fn API over real gRPC, for one worker, with every message in the hands of a test. */
export interface FakeRunner {
  readonly address: string;
  /** Resolves when the worker has opened its control connection. */
  readonly connected: Promise<void>;
  /** Ids under which calls came in, by method. */
  readonly workerIds: Map<string, Set<string>>;
  readonly log: fnApi.LogEntry[];
  /** The stages that may be asked for. */
  readonly descriptors: Map<string, fnApi.ProcessBundleDescriptor>;
  /** What is under a state key, in parts; the worker has to ask for each. */
  answerState: (key: fnApi.StateKey) => readonly Uint8Array[] | string;
  stateRequests: number;
  instruct(request: Request, instructionId?: string): Promise<fnApi.InstructionResponse>;
  /** False when the worker does not take more now. */
  send(instructionId: string, transformId: string, bytes: Uint8Array, isLast?: boolean): Promise<boolean>;
  /** What the worker sent, all of it. */
  received(instructionId: string, transformId: string): Promise<Uint8Array[]>;
  /** What it sent so far. */
  receivedSoFar(instructionId: string, transformId: string): readonly Uint8Array[];
  /** Stops and goes on reading what the worker sends. */
  pauseData(): Promise<void>;
  resumeData(): Promise<void>;
  /** Ends the control connection as a runner does when the job is over. */
  end(): void;
  /** Breaks everything at once. */
  close(): void;
}

export async function startFakeRunner(): Promise<FakeRunner> {
  const controlStream = later<ControlStream>();
  const dataStream = later<DataStream>();
  const waiting = new Map<string, (response: fnApi.InstructionResponse) => void>();
  const received = new Map<string, { parts: Uint8Array[]; whole: Later<Uint8Array[]> }>();
  const workerIds = new Map<string, Set<string>>();
  const note = (method: string, id: string): void => {
    workerIds.set(method, (workerIds.get(method) ?? new Set<string>()).add(id));
  };
  let serial = 0;
  const outputOf = (instructionId: string, transformId: string) => {
    const key = `${instructionId} ${transformId}`;
    let output = received.get(key);
    if (!output) received.set(key, (output = { parts: [], whole: later() }));
    return output;
  };
  const server = await serve([
    bidirectional(control.control, (stream) => {
      note("control", workerIdOf(stream));
      stream.on("data", (response: fnApi.InstructionResponse) => {
        waiting.get(response.instructionId)?.(response);
        waiting.delete(response.instructionId);
      });
      stream.on("error", () => undefined);
      controlStream.resolve(stream);
    }),
    unary(control.getProcessBundleDescriptor, ({ processBundleDescriptorId: id }, workerId) => {
      note("getProcessBundleDescriptor", workerId);
      const descriptor = runner.descriptors.get(id);
      if (!descriptor) throw new Error(`no descriptor ${id}`);
      return descriptor;
    }),
    bidirectional(data.data, (stream) => {
      note("data", workerIdOf(stream));
      stream.on("error", () => undefined);
      stream.on("data", (elements: fnApi.Elements) => {
        for (const { instructionId, transformId, data: bytes, isLast } of elements.data) {
          const output = outputOf(instructionId, transformId);
          if (bytes.length > 0) output.parts.push(bytes);
          if (isLast) output.whole.resolve(output.parts);
        }
      });
      dataStream.resolve(stream);
    }),
    bidirectional(state.state, (stream) => {
      note("state", workerIdOf(stream));
      stream.on("error", () => undefined);
      stream.on("data", ({ id, stateKey, request }: fnApi.StateRequest) => {
        runner.stateRequests++;
        const parts = runner.answerState(stateKey!);
        if (typeof parts === "string") {
          stream.write({ id, error: parts, response: { oneofKind: undefined } });
          return;
        }
        const token = request.oneofKind === "get" ? request.get.continuationToken : new Uint8Array();
        const at = token[0] ?? 0;
        const continuationToken = at + 1 < parts.length ? Uint8Array.of(at + 1) : new Uint8Array();
        const get = { data: parts[at] ?? new Uint8Array(), continuationToken };
        stream.write({ id, error: "", response: { oneofKind: "get", get } });
      });
    }),
    bidirectional(logging.logging, (stream) => {
      note("logging", workerIdOf(stream));
      stream.on("error", () => undefined);
      stream.on("data", ({ logEntries }: fnApi.LogEntry_List) => runner.log.push(...logEntries));
      stream.on("end", () => {
        stream.end();
      });
    }),
  ]);
  const runner: FakeRunner = {
    address: server.address,
    connected: controlStream.promise.then(() => undefined),
    workerIds,
    log: [],
    descriptors: new Map(),
    answerState: () => [],
    stateRequests: 0,
    async instruct(request, instructionId = `i${serial++}`) {
      const stream = await controlStream.promise;
      return new Promise((resolve) => {
        waiting.set(instructionId, resolve);
        stream.write({ instructionId, request });
      });
    },
    async send(instructionId, transformId, bytes, isLast = false) {
      const stream = await dataStream.promise;
      return stream.write({ data: [{ instructionId, transformId, data: bytes, isLast }], timers: [] });
    },
    received: (instructionId, transformId) => outputOf(instructionId, transformId).whole.promise,
    receivedSoFar: (instructionId, transformId) => outputOf(instructionId, transformId).parts,
    async pauseData() {
      (await dataStream.promise).pause();
    },
    async resumeData() {
      (await dataStream.promise).resume();
    },
    end() {
      void controlStream.promise.then((stream) => {
        stream.end();
      });
    },
    close() {
      server.close();
    },
  };
  return runner;
}

interface Later<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function later<T>(): Later<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
