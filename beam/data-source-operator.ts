/**
 * The operator that gets elements from the runner, in the place of the SDK's. That one handles the messages of a bundle at the same time
 * once a step behind it waits, so that the last message, which is shorter, can end the bundle before the others are through.
 */
import "./node-compatibility.js";
import "apache-beam";
import { type Coder, Context } from "apache-beam/coders/coders";
import {
  type ProcessBundleSplitRequest_DesiredSplit as DesiredSplit,
  type ProcessBundleSplitResponse_ChannelSplit as ChannelSplit,
  RemoteGrpcPort,
} from "apache-beam/proto/beam_fn_api";
import { type PTransform as TransformProto } from "apache-beam/proto/beam_runner_api";
import { type WindowedValue } from "apache-beam/values";
import { loggingLocalStorage } from "apache-beam/worker/logging";
import {
  type IOperator,
  NonPromise,
  type OperatorContext,
  type ProcessResult,
  type Receiver,
} from "apache-beam/worker/operators";
import { type AbortableOperator } from "./bundle-processor.js";
import { chooseSplit } from "./choose-split.js";
import type { DataInput, DataPlane } from "./data-plane.js";
import { receiverOf } from "./par-do-scope.js";
import { ProtobufReader } from "./sdk-dependency.js";

type Element = WindowedValue<unknown>;

/** Steps that compute without a pause would leave requests for progress and splits unanswered: how long at most. */
const turnMs = 20;

export class DataSourceOperator implements IOperator, AbortableOperator {
  readonly transformId: string;
  private readonly receiver: Receiver;
  private readonly coder: Coder<Element>;
  private readonly context: OperatorContext;
  private readonly open: () => DataInput;
  private input: DataInput | undefined;
  private whole: Promise<void> = Promise.resolve();
  /** Index in the bundle of the element that is being processed, or was last; -1 before the first one. */
  private current = -1;
  /** Index of the last element of this bundle, as far as a split has set one. */
  private last = Infinity;

  constructor(transformId: string, transform: TransformProto, context: OperatorContext) {
    const port = RemoteGrpcPort.fromBinary(transform.spec!.payload);
    const address = port.apiServiceDescriptor!.url;
    this.transformId = transformId;
    this.context = context;
    this.receiver = receiverOf(transform, context);
    this.coder = context.pipelineContext.getCoder<Element>(port.coderId);
    const plane = context.getDataChannel(address) as unknown as DataPlane;
    this.open = () => plane.input(address, context.getBundleId(), transformId);
  }

  /** Index of the element that is being processed. */
  get readIndex(): number {
    return this.current;
  }

  startBundle(): Promise<void> {
    this.current = -1;
    this.last = Infinity;
    this.input = this.open();
    this.whole = this.readAll(this.input);
    // Awaited by finishBundle, unless another step fails before.
    this.whole.catch(() => undefined);
    return Promise.resolve();
  }

  process(): ProcessResult {
    throw new Error(`Source ${this.transformId} takes its elements from the runner.`);
  }

  async finishBundle(): Promise<void> {
    await this.whole;
    this.close();
  }

  async abortBundle(): Promise<void> {
    this.last = -1;
    this.close();
    await this.whole.catch(() => undefined);
  }

  /** Gives the rest of the bundle back to the runner where it can be parted; undefined when it can't. */
  split(desired: DesiredSplit): ChannelSplit | undefined {
    if (!this.input) return undefined;
    const lastPrimary = chooseSplit(this.current, this.last, {
      fractionOfRemainder: desired.fractionOfRemainder,
      estimatedInputElements: Number(desired.estimatedInputElements),
      allowedSplitPoints: desired.allowedSplitPoints.map(Number),
    });
    if (lastPrimary === undefined) return undefined;
    this.last = lastPrimary;
    return {
      transformId: this.transformId,
      lastPrimaryElement: BigInt(lastPrimary),
      firstResidualElement: BigInt(lastPrimary + 1),
    };
  }

  /** Message after message, each through all steps before the next. After a split, the rest is taken from the connection and let go. */
  private async readAll(input: DataInput): Promise<void> {
    const stage = this.context.loggingStageInfo;
    loggingLocalStorage.enterWith(stage);
    let turn = Date.now();
    for (let message = await input.next(); message; message = await input.next()) {
      const reader = new ProtobufReader(message);
      while (reader.pos < reader.len && this.current < this.last) {
        this.current++;
        const wait = this.receiver.receive(this.coder.decode(reader, Context.needsDelimiters));
        if (wait !== NonPromise) await wait;
        if ((this.current & 15) === 0 && Date.now() - turn > turnMs) {
          await new Promise((resolve) => setImmediate(resolve));
          turn = Date.now();
        }
      }
    }
  }

  private close(): void {
    this.input?.close();
    this.input = undefined;
  }
}
