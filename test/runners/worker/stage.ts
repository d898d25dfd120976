import { PipelineContext } from "apache-beam/internal/pipeline";
import { type Coder, Context } from "apache-beam/coders/coders";
import { type WindowedValue } from "apache-beam/values";
import { impulse, inGlobalWindow, Pipeline, type PCollection, Root } from "../../../beam/index.js";
import { fnApi, runnerApi } from "../../../beam/model.js";
import { ProtobufReader, ProtobufWriter } from "../../../beam/sdk-dependency.js";

/** A stage as a runner would cut it out of a pipeline: elements come in at "source", those of the last PCollection leave at "sink". */
export interface Stage {
  readonly descriptor: fnApi.ProcessBundleDescriptor;
  encode(elements: readonly unknown[]): Uint8Array;
  decode(messages: readonly Uint8Array[]): unknown[];
  /** Elements as they are in a side input. */
  encodeSideInput(elements: readonly unknown[]): Uint8Array;
}

let serial = 0;

/** @param steps Applied to what comes in. The impulse that stands for the input gives way to the source. */
export function stageOf(
  address: string,
  steps: (input: PCollection<never>, root: Root) => PCollection<unknown>,
): Stage {
  const pipeline = new Pipeline();
  const root = new Root(pipeline);
  const input = root.apply(impulse()).map((element) => element);
  const output = steps(input as unknown as PCollection<never>, root);
  const components = runnerApi.Components.clone(pipeline.getProto().components!);
  const descriptor = fnApi.ProcessBundleDescriptor.create({
    id: `stage${serial++}`,
    transforms: Object.fromEntries(
      Object.entries(components.transforms).filter(([, { subtransforms }]) => subtransforms.length === 0),
    ),
    pcollections: components.pcollections,
    windowingStrategies: components.windowingStrategies,
    coders: components.coders,
    stateApiServiceDescriptor: { url: address },
  });
  const { transforms, pcollections, windowingStrategies, coders } = descriptor;
  const inputId = input.getId();
  const outputId = output.getId();
  const windowCoder = Object.values(windowingStrategies)[0]!.windowCoderId;
  const windowed = (pcollection: string): string => {
    const id = `windowed-${pcollection}`;
    coders[id] = {
      spec: { urn: "beam:coder:windowed_value:v1", payload: new Uint8Array() },
      componentCoderIds: [pcollections[pcollection]!.coderId, windowCoder],
    };
    return id;
  };
  const port = (coderId: string): Uint8Array =>
    fnApi.RemoteGrpcPort.toBinary({
      apiServiceDescriptor: { url: address },
      coderId,
    });
  // What led to the input is another stage's work.
  for (const [id, { outputs, spec }] of Object.entries(transforms)) {
    if (Object.values(outputs).includes(inputId) || spec?.urn === "beam:transform:impulse:v1")
      Reflect.deleteProperty(transforms, id);
  }
  const inCoder = windowed(inputId);
  const outCoder = windowed(outputId);
  transforms.source = runnerApi.PTransform.create({
    uniqueName: "source",
    spec: { urn: "beam:runner:source:v1", payload: port(inCoder) },
    outputs: { out: inputId },
  });
  transforms.sink = runnerApi.PTransform.create({
    uniqueName: "sink",
    spec: { urn: "beam:runner:sink:v1", payload: port(outCoder) },
    inputs: { in: outputId },
  });
  const context = new PipelineContext(descriptor, "");
  const coderOf = (id: string): Coder<WindowedValue<unknown>> => context.getCoder(id);
  return {
    descriptor,
    encode(elements) {
      const writer = new ProtobufWriter();
      const coder = coderOf(inCoder);
      for (const element of elements) coder.encode(inGlobalWindow(element), writer, Context.needsDelimiters);
      return Uint8Array.from(writer.finish());
    },
    decode(messages) {
      const coder = coderOf(outCoder);
      return messages.flatMap((message) => {
        const reader = new ProtobufReader(message);
        const elements: unknown[] = [];
        while (reader.pos < reader.len) elements.push(coder.decode(reader, Context.needsDelimiters).value);
        return elements;
      });
    },
    encodeSideInput(elements) {
      const writer = new ProtobufWriter();
      const coder: Coder<unknown> = context.getCoder(pcollections[inputId]!.coderId);
      for (const element of elements) coder.encode(element, writer, Context.needsDelimiters);
      return Uint8Array.from(writer.finish());
    },
  };
}
