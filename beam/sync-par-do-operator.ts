/**
 * The operator behind `map`, `flatMap` and `parDo`, in the place of the SDK's own. That one hands out the elements of a fan-out without
 * waiting for receivers that ask for it, so that an asynchronous step behind a large one has everything in flight at once; and what it
 * does with promises of a DoFn is to take them for elements.
 */
import "./node-compatibility.js";
import "apache-beam";
import { type ParDoPayload, type PTransform as TransformProto } from "apache-beam/proto/beam_runner_api";
import { type DoFn } from "apache-beam/transforms/pardo";
import { type WindowedValue } from "apache-beam/values";
import { deserializeFn } from "apache-beam/internal/serialize";
import {
  type IOperator,
  NonPromise,
  type OperatorContext,
  type ProcessResult,
  type Receiver,
} from "apache-beam/worker/operators";
import { droppable, type ParDoScope, receiverOf, scopeFactory, withValue } from "./par-do-scope.js";
import { noteFailedStep } from "./step-failure.js";

type Element = WindowedValue<unknown>;

export class SyncParDoOperator implements IOperator {
  readonly transformId: string;
  private readonly step: string;
  private readonly receiver: Receiver;
  private readonly doFn: DoFn<unknown, unknown, unknown>;
  private readonly newScope: () => ParDoScope;
  private scope: ParDoScope | undefined;

  constructor(
    transformId: string,
    transform: TransformProto,
    context: OperatorContext,
    payload: ParDoPayload,
  ) {
    const { doFn, context: userContext } = deserializeFn(payload.doFn!.payload) as {
      doFn: DoFn<unknown, unknown, unknown>;
      context: unknown;
    };
    this.transformId = transformId;
    this.step = transform.uniqueName;
    this.receiver = receiverOf(transform, context);
    this.doFn = doFn;
    this.newScope = scopeFactory(transformId, transform, context, payload, userContext);
  }

  async startBundle(): Promise<void> {
    this.scope = this.newScope();
    await this.attempt(() => this.doFn.startBundle?.(this.scope!.context));
  }

  process(element: Element): ProcessResult {
    const scope = this.scope!;
    if (element.windows.length !== 1 && scope.context !== undefined)
      return droppable(this.eachWindow(element));
    const ready = scope.enter(element);
    return ready === NonPromise
      ? this.run(element)
      : droppable(ready.then(() => this.run(element) ?? undefined));
  }

  async finishBundle(): Promise<void> {
    const output = await this.attempt(() => this.doFn.finishBundle?.(this.scope!.context));
    for (const element of output ?? []) {
      const wait = this.receiver.receive(element);
      if (wait !== NonPromise) await wait;
    }
  }

  /** What a DoFn may look up (its window, side inputs of the window) differs by window. */
  private async eachWindow(element: Element): Promise<void> {
    for (const window of element.windows) {
      const wait = this.process({ ...element, windows: [window] });
      if (wait !== NonPromise) await wait;
    }
  }

  private run(element: Element): ProcessResult {
    const scope = this.scope!;
    void scope.enter(element);
    let iterator: Iterator<unknown> | undefined;
    try {
      const output = this.doFn.process(element.value, scope.context) as Iterable<unknown> | undefined;
      // As the stock operator does: whatever is falsy means "nothing".
      if (!output) return NonPromise;
      if (Array.isArray(output)) return this.emitArray(output, element);
      iterator = output[Symbol.iterator]();
      for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
        const wait = this.receiver.receive(withValue(element, next.value));
        if (wait !== NonPromise) return droppable(this.emitRest(wait, iterator, element));
      }
      return NonPromise;
    } catch (error) {
      iterator?.return?.();
      noteFailedStep(error, this.step);
      throw error;
    }
  }

  private emitArray(output: readonly unknown[], element: Element): ProcessResult {
    for (let i = 0; i < output.length; i++) {
      const wait = this.receiver.receive(withValue(element, output[i]));
      if (wait !== NonPromise) return droppable(this.emitRest(wait, output.slice(i + 1).values(), element));
    }
    return NonPromise;
  }

  /** A receiver asked to wait: go on at its pace. Meanwhile other elements may have come in, so each resumption enters its own again. */
  private async emitRest(wait: Promise<void>, iterator: Iterator<unknown>, element: Element): Promise<void> {
    await wait;
    const rest = {
      [Symbol.iterator]: () => ({
        next: () => {
          void this.scope!.enter(element);
          return iterator.next();
        },
        return: () => iterator.return?.() ?? { done: true as const, value: undefined },
      }),
    };
    try {
      for (const value of rest) {
        const more = this.receiver.receive(withValue(element, value));
        if (more !== NonPromise) await more;
      }
    } catch (error) {
      noteFailedStep(error, this.step);
      throw error;
    }
  }

  private async attempt<T>(work: () => T): Promise<Awaited<T>> {
    try {
      return await work();
    } catch (error) {
      noteFailedStep(error, this.step);
      throw error;
    }
  }
}
