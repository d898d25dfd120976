/**
 * The operator that sends elements to the runner, in the place of the SDK's. That one waits before it has put a full buffer aside, so that
 * elements which come meanwhile send it again and again; and it waits for nobody who reads slowly.
 */
import "./node-compatibility.js";
import "apache-beam";
import { type Coder, Context } from "apache-beam/coders/coders";
import { RemoteGrpcPort } from "apache-beam/proto/beam_fn_api";
import { type PTransform as TransformProto } from "apache-beam/proto/beam_runner_api";
import { type WindowedValue } from "apache-beam/values";
import {
  type IOperator,
  NonPromise,
  type OperatorContext,
  type ProcessResult,
} from "apache-beam/worker/operators";
import type { DataOutput, DataPlane } from "./data-plane.js";
import { ProtobufWriter } from "./sdk-dependency.js";

/** A message is sent when it has reached this size. Larger elements travel alone. */
const messageBytes = 1 << 20;

type Element = WindowedValue<unknown>;
type Writer = Parameters<Coder<Element>["encode"]>[1];

export class DataSinkOperator implements IOperator {
  readonly transformId: string;
  private readonly address: string;
  private readonly coder: Coder<Element>;
  private readonly open: () => DataOutput;
  private output: DataOutput | undefined;
  private buffer: Writer = new ProtobufWriter();

  constructor(transformId: string, transform: TransformProto, context: OperatorContext) {
    const port = RemoteGrpcPort.fromBinary(transform.spec!.payload);
    this.transformId = transformId;
    this.address = port.apiServiceDescriptor!.url;
    this.coder = context.pipelineContext.getCoder<Element>(port.coderId);
    const plane = context.getDataChannel(this.address) as unknown as DataPlane;
    this.open = () => plane.output(this.address, context.getBundleId(), transformId);
  }

  startBundle(): Promise<void> {
    this.output = this.open();
    this.buffer = new ProtobufWriter();
    return Promise.resolve();
  }

  process(element: Element): ProcessResult {
    this.coder.encode(element, this.buffer, Context.needsDelimiters);
    return this.buffer.len < messageBytes ? NonPromise : this.flush();
  }

  async finishBundle(): Promise<void> {
    const wait = this.flush();
    if (wait !== NonPromise) await wait;
    this.output!.end();
    this.output = undefined;
  }

  private flush(): ProcessResult {
    if (this.buffer.len === 0) return NonPromise;
    const message = this.buffer.finish();
    // Before anything else can come in.
    this.buffer = new ProtobufWriter();
    return this.output!.write(message);
  }
}
