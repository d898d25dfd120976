/** The remaining kinds of ParDo, which run no DoFn: identity, windows, timestamps, and the split into several outputs. */
import "./node-compatibility.js";
import "apache-beam";
import { type PTransform as TransformProto } from "apache-beam/proto/beam_runner_api";
import { type SplitOptions } from "apache-beam/transforms/pardo";
import { type WindowFn } from "apache-beam/transforms/window";
import { type Instant, type Window, type WindowedValue } from "apache-beam/values";
import {
  type IOperator,
  NonPromise,
  type OperatorContext,
  type ProcessResult,
  type Receiver,
} from "apache-beam/worker/operators";

import { assignmentOf, type WindowSpec } from "./windows.js";

type Element = WindowedValue<unknown>;

/** An operator that hands each element on, changed or not, and keeps nothing. */
class ElementWiseOperator implements IOperator {
  readonly transformId: string;
  readonly process: (element: Element) => ProcessResult;

  constructor(transformId: string, process: (element: Element) => ProcessResult) {
    this.transformId = transformId;
    this.process = process;
  }

  startBundle(): Promise<void> {
    return Promise.resolve();
  }

  finishBundle(): Promise<void> {
    return Promise.resolve();
  }
}

export function identityOperator(transformId: string, receiver: Receiver): IOperator {
  return new ElementWiseOperator(transformId, (element) => receiver.receive(element));
}

export function windowIntoOperator(
  transformId: string,
  receiver: Receiver,
  windowFn: WindowFn<Window>,
  spec: WindowSpec,
): IOperator {
  const windowsOf = assignmentOf(windowFn, spec);
  return new ElementWiseOperator(transformId, (element) => {
    const assigned = windowsOf(element.timestamp);
    if (assigned.length === 0) return NonPromise;
    // An element in several windows counts once for each of them.
    return receiver.receive({ ...element, windows: element.windows.flatMap(() => assigned) });
  });
}

export function assignTimestampsOperator(
  transformId: string,
  receiver: Receiver,
  timestampOf: (value: unknown, timestamp: Instant) => Instant,
): IOperator {
  return new ElementWiseOperator(transformId, (element) =>
    receiver.receive({ ...element, timestamp: timestampOf(element.value, element.timestamp) }),
  );
}

export function splitOperator(
  transformId: string,
  transform: TransformProto,
  context: OperatorContext,
  options: SplitOptions,
): IOperator {
  const receivers = new Map<string, Receiver>(
    Object.entries(transform.outputs).map(([tag, id]) => [tag, context.getReceiver(id)]),
  );
  const known = new Set(options.knownTags);
  return new ElementWiseOperator(transformId, (element) => {
    const tagged = element.value as Record<string, unknown>;
    const tags = Object.keys(tagged);
    if (options.exclusive === true && tags.length !== 1) {
      throw new TypeError(
        `split: an element must have exactly one tag, this one has ${tags.length} (${tags.join(", ")}).`,
      );
    }
    const waits: Promise<void>[] = [];
    for (const tag of tags) {
      const receiver = receivers.get(outputFor(tag, known, options) ?? "");
      const wait = receiver?.receive({ ...element, value: tagged[tag] }) ?? NonPromise;
      if (wait !== NonPromise) waits.push(wait);
    }
    if (waits.length === 0) return NonPromise;
    return waits.length === 1 ? waits[0]! : Promise.all(waits).then(() => undefined);
  });
}

function outputFor(tag: string, known: ReadonlySet<string>, options: SplitOptions): string | undefined {
  if (known.has(tag)) return tag;
  if (options.unknownTagBehavior === "rename") return options.unknownTagName;
  if (options.unknownTagBehavior === "ignore") return undefined;
  throw new TypeError(`split: an element has the tag "${tag}"; the outputs are ${[...known].join(", ")}.`);
}
