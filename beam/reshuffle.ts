/**
 * Spreads elements over workers, in the place of the SDK's `reshuffle`. That one groups under random keys, and what comes out of its groups has lost its time: it is
 * at the end of its window, so that a step behind which moves elements to their real times makes them late, and runners drop late data before a grouping without
 * a word. Here the step is the one that Beam's model names for it, which runners do in their own way; those that have none group, keeping the times.
 */
import "./node-compatibility.js";
import { type PCollection, type PTransform, withName } from "apache-beam";
import { type Pipeline } from "apache-beam/internal/pipeline";
import { type Coder } from "apache-beam/coders/coders";
import { GeneralObjectCoder } from "apache-beam/coders/js_coders";
import {
  OutputTime_Enum,
  ParDoPayload,
  type PTransform as TransformProto,
  WindowingStrategy,
} from "apache-beam/proto/beam_runner_api";
import { groupByKey } from "apache-beam/transforms/internal";
import { parDo } from "apache-beam/transforms/pardo";
import { type KV, type WindowedValue } from "apache-beam/values";
import {
  type IOperator,
  NonPromise,
  type OperatorContext,
  type ProcessResult,
  type Receiver,
} from "apache-beam/worker/operators";
import { earliestInGlobalWindow } from "./global-window.js";
import { receiverOf } from "./par-do-scope.js";
import { keyValueCoder } from "./value-coder.js";

/**
 * The same elements, spread over workers, with a break before what follows: a fan-out before it and slow work after it run side by side. Windows and
 * timestamps stay.
 * @example root.apply(create(urls)).apply(reshuffle()).apply(asyncParDo(new Fetch()));
 */
export function reshuffle<T>(): PTransform<PCollection<T>, PCollection<T>> {
  return withName("reshuffle", (input: PCollection<T>): PCollection<T> =>
    input
      .apply(step<T, KV<number, T>>("addKeys", "add_keys", keyValueCoder()))
      .apply(reshuffleByKey<T>())
      .apply(step<KV<number, T>, T>("dropKeys", "drop_keys", new GeneralObjectCoder<unknown>())),
  );
}

function reshuffleByKey<T>(): PTransform<PCollection<KV<number, T>>, PCollection<KV<number, T>>> {
  return withName("byKey", (input: PCollection<KV<number, T>>, pipeline: Pipeline, proto: TransformProto) => {
    proto.spec = { urn: "beam:transform:reshuffle:v1", payload: new Uint8Array() };
    const { components } = pipeline.getProto();
    const strategyId = components!.pcollections[input.getId()]!.windowingStrategyId;
    const earliest = WindowingStrategy.clone(components!.windowingStrategies[strategyId]!);
    // A group at the time of its earliest element holds back the watermark for all of them.
    earliest.outputTime = OutputTime_Enum.EARLIEST_IN_PANE;
    const held = pipeline.context.getWindowingStrategyId(earliest);
    return input
      .apply(step<KV<number, T>, KV<number, Timed>>("keepTimes", "keep_times", keyValueCoder(), held))
      .apply(groupByKey<number, Timed>())
      .apply(
        step<KV<number, Iterable<Timed>>, KV<number, T>>(
          "giveTimesBack",
          "give_times_back",
          keyValueCoder(),
          strategyId,
        ),
      );
  });
}

/** An element of a group, with its own key, and its time where that is not the earliest of all, which created elements have. */
interface Timed {
  readonly key: number;
  readonly value: unknown;
  /** In milliseconds, as text: early times are no exact numbers. */
  readonly time?: string;
}

/**
 * Where a runner has no step of its own for it: few elements have a group each, so that they part; of many, this many neighbours share one, since a group for
 * each would cost more than the elements do. Neighbours, because a runner that keeps the order of groups then keeps that of the elements, too: sinks that sort
 * need much less memory for what comes sorted.
 */
const neighbours = 256;

type Element = WindowedValue<unknown>;
type Work = (element: Element, receiver: Receiver) => ProcessResult;

const urnPrefix = "beam-indexeddb:dofn:reshuffle_";

/** What each of the steps does; by the end of its name. */
const works: Readonly<Record<string, () => Work>> = {
  add_keys: () => {
    // Keys of one bundle follow one another, so each worker gets the same share.
    let key = Math.floor(Math.random() * 2 ** 31);
    return (element, receiver) => {
      key = (key + 1) % 2 ** 31;
      return receiver.receive({ ...element, value: { key, value: element.value } });
    };
  },
  drop_keys: () => (element, receiver) =>
    receiver.receive({ ...element, value: (element.value as KV<number, unknown>).value }),
  keep_times: () => {
    const earliest = earliestInGlobalWindow(null).timestamp;
    let seen = 0;
    return (element, receiver) => {
      const { key, value } = element.value as KV<number, unknown>;
      const timed: Timed = element.timestamp.equals(earliest)
        ? { key, value }
        : { key, value, time: element.timestamp.toString() };
      const group = seen < neighbours ? seen : neighbours + Math.floor(seen / neighbours);
      seen++;
      return receiver.receive({ ...element, value: { key: group, value: timed } });
    };
  },
  give_times_back: () => {
    const earliest = earliestInGlobalWindow(null).timestamp;
    return (element, receiver) =>
      each((element.value as KV<number, Iterable<Timed>>).value, ({ key, value, time }) => {
        const timestamp = time === undefined ? earliest : timeOf(element, time);
        return receiver.receive({ ...element, timestamp, value: { key, value } });
      });
  },
};

/** The operator of a step of `reshuffle`; undefined for other DoFns. */
export function reshuffleOperator(
  urn: string,
  transformId: string,
  transform: TransformProto,
  context: OperatorContext,
): IOperator | undefined {
  const work = urn.startsWith(urnPrefix) ? works[urn.slice(urnPrefix.length)] : undefined;
  if (!work) return undefined;
  const receiver = receiverOf(transform, context);
  const run = work();
  return {
    transformId,
    startBundle: () => Promise.resolve(),
    process: (element) => run(element, receiver),
    finishBundle: () => Promise.resolve(),
  };
}

function step<InputT, OutputT>(
  name: string,
  work: string,
  coder: Coder<unknown>,
  windowingStrategyId?: string,
): PTransform<PCollection<InputT>, PCollection<OutputT>> {
  return withName(name, (_input: PCollection<InputT>, pipeline: Pipeline, proto: TransformProto) => {
    const doFn = { urn: urnPrefix + work, payload: new Uint8Array() };
    proto.spec = { urn: parDo.urn, payload: ParDoPayload.toBinary(ParDoPayload.create({ doFn })) };
    return pipeline.createPCollectionInternal<OutputT>(coder as Coder<OutputT>, windowingStrategyId);
  });
}

function each<T>(all: Iterable<T>, hand: (one: T) => ProcessResult): ProcessResult {
  const iterator = all[Symbol.iterator]();
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    const wait = hand(next.value);
    if (wait !== NonPromise) return rest(wait, iterator, hand);
  }
  return NonPromise;
}

async function rest<T>(
  wait: Promise<void>,
  iterator: Iterator<T>,
  hand: (one: T) => ProcessResult,
): Promise<void> {
  await wait;
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    const more = hand(next.value);
    if (more !== NonPromise) await more;
  }
}

function timeOf({ timestamp }: Element, text: string): Element["timestamp"] {
  const { constructor } = timestamp as unknown as {
    constructor: { fromString(text: string): Element["timestamp"] };
  };
  return constructor.fromString(text);
}
