/** What a worker does with the instructions of a runner. */
import type { Client } from "@grpc/grpc-js";
import { type BundleRunner, createBundleRunner } from "../../beam/bundle-runner.js";
import type { fnApi, MonitoringInfo } from "../../beam/model.js";
import { call } from "../grpc/client.js";
import { control } from "../grpc/method.js";
import type { DataConnections } from "./data-connection.js";
import { writeFailure } from "./failure-text.js";
import { type MetricIds, metricIds } from "./metric-ids.js";
import { elementCoders } from "./element-coders.js";
import type { StateConnections } from "./state-connections.js";

type Response = fnApi.InstructionResponse["response"];

/** Bundles of one stage that are kept ready for the next one. */
const mostIdle = 64;

/** The connections of a worker. */
export interface WorkerConnections {
  readonly workerId: string;
  readonly control: Client;
  readonly data: DataConnections;
  readonly state: StateConnections;
}

/** Handles instructions. */
export interface Instructions {
  /** Never rejects: what goes wrong is in the response. */
  handle(request: fnApi.InstructionRequest): Promise<fnApi.InstructionResponse>;
  /** Fails all bundles that run, for an error that belongs to none of them. */
  failAll(error: unknown): void;
}

interface RunningBundle {
  readonly runner: BundleRunner;
  readonly failed: Promise<never>;
  fail(error: unknown): void;
}

export function createInstructions(worker: WorkerConnections): Instructions {
  const descriptors = new Map<string, Promise<fnApi.ProcessBundleDescriptor>>();
  const idle = new Map<string, BundleRunner[]>();
  const running = new Map<string, RunningBundle>();
  const ids = metricIds();

  const fetchDescriptor = async (id: string): Promise<fnApi.ProcessBundleDescriptor> => {
    const descriptor = await call(
      worker.control,
      control.getProcessBundleDescriptor,
      { processBundleDescriptorId: id },
      { workerId: worker.workerId },
    );
    return elementCoders(descriptor);
  };
  const descriptorOf = (id: string): Promise<fnApi.ProcessBundleDescriptor> => {
    let descriptor = descriptors.get(id);
    if (!descriptor) {
      descriptor = fetchDescriptor(id);
      descriptors.set(id, descriptor);
      // The next bundle asks again.
      descriptor.catch(() => descriptors.delete(id));
    }
    return descriptor;
  };

  const processBundle = async (instructionId: string, descriptorId: string): Promise<Response> => {
    try {
      const descriptor = await descriptorOf(descriptorId);
      const runner =
        idle.get(descriptorId)?.pop() ?? createBundleRunner(descriptor, worker.data, worker.state);
      const bundle = runningBundle(runner);
      running.set(instructionId, bundle);
      await Promise.race([runner.run(instructionId), bundle.failed]);
      const processBundle = { residualRoots: [], requiresFinalization: false, ...metricsOf(runner, ids) };
      const free = idle.get(descriptorId);
      if (!free) idle.set(descriptorId, [runner]);
      else if (free.length < mostIdle) free.push(runner);
      return { oneofKind: "processBundle", processBundle };
    } finally {
      running.delete(instructionId);
      worker.data.forget(instructionId);
    }
  };

  const answer = (
    instructionId: string,
    request: fnApi.InstructionRequest["request"],
  ): Response | Promise<Response> => {
    switch (request.oneofKind) {
      case "processBundle":
        return processBundle(instructionId, request.processBundle.processBundleDescriptorId);
      case "processBundleProgress": {
        // A bundle that is over, or has not begun yet, has nothing to tell: an error would make runners give it up.
        const bundle = running.get(request.processBundleProgress.instructionId);
        const processBundleProgress = bundle
          ? metricsOf(bundle.runner, ids)
          : { monitoringInfos: [], monitoringData: {} };
        return { oneofKind: "processBundleProgress", processBundleProgress };
      }
      case "processBundleSplit": {
        const bundle = running.get(request.processBundleSplit.instructionId);
        const channelSplits = [...(bundle?.runner.split(request.processBundleSplit) ?? [])];
        return {
          oneofKind: "processBundleSplit",
          processBundleSplit: { primaryRoots: [], residualRoots: [], channelSplits },
        };
      }
      case "register":
        for (const descriptor of request.register.processBundleDescriptor)
          descriptors.set(descriptor.id, Promise.resolve(elementCoders(descriptor)));
        return { oneofKind: "register", register: {} };
      case "finalizeBundle":
        return { oneofKind: "finalizeBundle", finalizeBundle: {} };
      case "monitoringInfos":
        return {
          oneofKind: "monitoringInfos",
          monitoringInfos: { monitoringInfo: ids.infosOf(request.monitoringInfos.monitoringInfoId) },
        };
      case "harnessMonitoringInfos":
        return { oneofKind: "harnessMonitoringInfos", harnessMonitoringInfos: { monitoringData: {} } };
      default:
        throw new Error("This worker does not know the instruction: it is of a newer Fn API.");
    }
  };

  return {
    async handle({ instructionId, request }) {
      try {
        return { instructionId, error: "", response: await answer(instructionId, request) };
      } catch (error) {
        return { instructionId, error: writeFailure(error), response: { oneofKind: undefined } };
      }
    },
    failAll(error) {
      for (const bundle of running.values()) bundle.fail(error);
    },
  };
}

function runningBundle(runner: BundleRunner): RunningBundle {
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  failed.catch(() => undefined);
  return { runner, failed, fail };
}

/** Both forms: Flink, Spark and Python read the infos, Prism and Dataflow the payloads by short id. */
function metricsOf(
  runner: BundleRunner,
  ids: MetricIds,
): { monitoringInfos: MonitoringInfo[]; monitoringData: Record<string, Uint8Array> } {
  const monitoringInfos = runner.metrics();
  const monitoringData: Record<string, Uint8Array> = {};
  for (const info of monitoringInfos) monitoringData[ids.idOf(info)] = info.payload;
  return { monitoringInfos, monitoringData };
}
