/** What the operators of synchronous and asynchronous DoFns have in common: the context of an element, and how its outputs are handed on. */
import "./node-compatibility.js";
import "apache-beam";
import { type ParDoPayload, type PTransform as TransformProto } from "apache-beam/proto/beam_runner_api";
import { type WindowedValue } from "apache-beam/values";
import { createSideInputInfo, ParamProviderImpl } from "apache-beam/worker/pardo_context";
import {
  NonPromise,
  type OperatorContext,
  type ProcessResult,
  type Receiver,
} from "apache-beam/worker/operators";

/** The context object of a DoFn, bound to one element at a time. */
export interface ParDoScope {
  /** The user's context with its parameters live; undefined when the DoFn was given none. */
  readonly context: unknown;
  /** Binds the parameters to this element. A promise when side inputs have to be fetched first; call it again once they are there. */
  enter(element: WindowedValue<unknown>): ProcessResult;
}

/** Side inputs, metrics and state are looked up per bundle, so a scope must be made inside one. */
export function scopeFactory(
  transformId: string,
  transform: TransformProto,
  operator: OperatorContext,
  payload: ParDoPayload,
  userContext: unknown,
): () => ParDoScope {
  const sideInputs = createSideInputInfo(transform, payload, operator);
  return () => {
    if (userContext === null || userContext === undefined) return withoutContext;
    const provider = new ParamProviderImpl(
      transformId,
      sideInputs,
      operator.getStateProvider,
      operator.metricsContainer,
    );
    const context: unknown = provider.augmentContext(userContext);
    return { context, enter: (element) => provider.setCurrentValue(element) };
  };
}

const withoutContext: ParDoScope = { context: undefined, enter: () => NonPromise };

/** Every DoFn here has one output; several come from a split behind it. */
export function receiverOf(transform: TransformProto, operator: OperatorContext): Receiver {
  return operator.getReceiver(Object.values(transform.outputs)[0]);
}

/**
 * For promises that operators hand to the step before. When another receiver of the same element throws, that step drops them; without a
 * handler of their own, their failure would then end the process.
 */
export function droppable<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

export function withValue(element: WindowedValue<unknown>, value: unknown): WindowedValue<unknown> {
  if (value instanceof Promise) {
    // It may still fail, and nobody will look at it again.
    value.catch(() => undefined);
    throw new TypeError(
      "A function of map, flatMap or parDo gave a promise, which is not awaited there. Use asyncParDo for work that takes time.",
    );
  }
  return { value, windows: element.windows, pane: element.pane, timestamp: element.timestamp };
}
