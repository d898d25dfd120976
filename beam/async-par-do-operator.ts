/** The operator behind `asyncParDo`: bounded concurrency, back pressure both ways, nothing emitted after a failure. */
import "./node-compatibility.js";
import "apache-beam";
import { type ParDoPayload, type PTransform as TransformProto } from "apache-beam/proto/beam_runner_api";
import { type WindowedValue } from "apache-beam/values";
import { deserializeFn } from "apache-beam/internal/serialize";
import {
  type IOperator,
  NonPromise,
  type OperatorContext,
  type ProcessResult,
  type Receiver,
} from "apache-beam/worker/operators";
import { type AsyncDoFn, type AsyncOutput } from "./async-par-do.js";
import { type AsyncParDoSettings, decodeAsyncPayload } from "./async-payload.js";
import { type AbortableOperator } from "./bundle-processor.js";
import { droppable, type ParDoScope, receiverOf, scopeFactory, withValue } from "./par-do-scope.js";
import { noteFailedStep } from "./step-failure.js";

type Element = WindowedValue<unknown>;
type Output = AsyncOutput<unknown>;

interface Waiting {
  readonly element: Element;
  readonly started: () => void;
  readonly refused: (error: unknown) => void;
}

export class AsyncParDoOperator implements IOperator, AbortableOperator {
  readonly transformId: string;
  private readonly step: string;
  private readonly receiver: Receiver;
  private readonly doFn: AsyncDoFn<unknown, unknown, unknown>;
  private readonly settings: AsyncParDoSettings;
  private readonly newScope: () => ParDoScope;

  private bundleScope: ParDoScope | undefined;
  /** From the start of a bundle to its teardown. */
  private open = false;
  /** Scopes without an element: one is needed for each element in flight. */
  private idleScopes: ParDoScope[] = [];
  private waiting: Waiting[] = [];
  private inFlight = 0;
  private whenIdle: (() => void) | undefined;
  /** With `ordered`: settled when all earlier elements have emitted. Undefined when none is under way. */
  private tail: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;

  constructor(
    transformId: string,
    transform: TransformProto,
    context: OperatorContext,
    payload: ParDoPayload,
  ) {
    const { settings, fn } = decodeAsyncPayload(payload.doFn!.payload);
    const { doFn, context: userContext } = deserializeFn(fn) as {
      doFn: AsyncDoFn<unknown, unknown, unknown>;
      context: unknown;
    };
    this.transformId = transformId;
    this.step = transform.uniqueName;
    this.receiver = receiverOf(transform, context);
    this.doFn = doFn;
    this.settings = settings;
    this.newScope = scopeFactory(transformId, transform, context, payload, userContext);
  }

  async startBundle(): Promise<void> {
    this.idleScopes = [];
    this.waiting = [];
    this.inFlight = 0;
    this.tail = undefined;
    this.failure = undefined;
    this.open = true;
    this.bundleScope = this.newScope();
    await this.attempt(() => this.doFn.startBundle?.(this.bundleScope!.context));
  }

  process(element: Element): ProcessResult {
    this.throwFailure();
    if (element.windows.length !== 1 && this.bundleScope!.context !== undefined)
      return droppable(this.eachWindow(element));
    if (this.inFlight < this.settings.concurrency) {
      this.start(element);
      return NonPromise;
    }
    return droppable(
      new Promise<void>((started, refused) => this.waiting.push({ element, started, refused })),
    );
  }

  async finishBundle(): Promise<void> {
    await this.settled();
    this.throwFailure();
    const output = await this.attempt(() => this.doFn.finishBundle?.(this.bundleScope!.context));
    await this.emitAll(output as Awaited<Output>, (value) => value as Element);
    this.throwFailure();
    await this.attempt(() => this.close());
  }

  /** Another step failed, or this one: stop emitting, let what is under way come to its end, close what the DoFn opened. */
  async abortBundle(error: unknown): Promise<void> {
    this.fail(error);
    await this.settled();
    await this.close();
  }

  private async close(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.doFn.teardown?.();
  }

  private async eachWindow(element: Element): Promise<void> {
    for (const window of element.windows) {
      const wait = this.process({ ...element, windows: [window] });
      if (wait !== NonPromise) await wait;
    }
  }

  /** Takes a slot and runs the element; without a promise in its way it is done on return. Throws only before anything is under way. */
  private start(element: Element): void {
    const scope = this.idleScopes.pop() ?? this.newScope();
    this.inFlight++;
    let rest: Promise<void> | null;
    try {
      rest = this.run(element, scope);
    } catch (error) {
      this.done(scope);
      noteFailedStep(error, this.step);
      this.fail(error);
      throw error;
    }
    if (rest === null) {
      this.done(scope);
      return;
    }
    const job = rest
      .catch((error: unknown) => {
        noteFailedStep(error, this.step);
        this.fail(error);
      })
      .then(() => {
        if (this.tail === job) this.tail = undefined;
        this.done(scope);
      });
    if (this.settings.ordered) this.tail = job;
  }

  /** Null when all is done at once: elements of a synchronous output cost no promise each. */
  private run(element: Element, scope: ParDoScope): Promise<void> | null {
    const ready = scope.enter(element);
    if (ready !== NonPromise) return ready.then(() => this.runReady(element, scope) ?? undefined);
    return this.runReady(element, scope);
  }

  private runReady(element: Element, scope: ParDoScope): Promise<void> | null {
    void scope.enter(element);
    const before = this.tail;
    const output = this.doFn.process(element.value, scope.context);
    const emit = (value: unknown) => withValue(element, value);
    if (before === undefined && !isPromiseLike(output)) return this.emitAll(output as Awaited<Output>, emit);
    return this.emitLater(output, before, emit);
  }

  private async emitLater(
    pending: Output,
    before: Promise<void> | undefined,
    wrap: (value: unknown) => Element,
  ): Promise<void> {
    const output = await pending;
    if (before) await before;
    const wait = this.emitAll(output, wrap);
    if (wait !== NonPromise) await wait;
  }

  private emitAll(output: Awaited<Output>, wrap: (value: unknown) => Element): Promise<void> | null {
    if (output === undefined || output === null) return null;
    if (Symbol.asyncIterator in output) return this.emitAsync(output, wrap);
    return this.emitSync(output[Symbol.iterator](), wrap);
  }

  private emitSync(iterator: Iterator<unknown>, wrap: (value: unknown) => Element): Promise<void> | null {
    try {
      for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
        if (this.failure) break;
        const wait = this.receiver.receive(wrap(next.value));
        if (wait !== NonPromise) return this.emitRest(wait, iterator, wrap);
      }
    } catch (error) {
      iterator.return?.();
      throw error;
    }
    if (this.failure) iterator.return?.();
    return null;
  }

  private async emitRest(
    wait: Promise<void>,
    iterator: Iterator<unknown>,
    wrap: (value: unknown) => Element,
  ): Promise<void> {
    await wait;
    for (const value of { [Symbol.iterator]: () => iterator }) {
      if (this.failure) return;
      const more = this.receiver.receive(wrap(value));
      if (more !== NonPromise) await more;
    }
  }

  private async emitAsync(output: AsyncIterable<unknown>, wrap: (value: unknown) => Element): Promise<void> {
    for await (const value of output) {
      if (this.failure) return;
      const wait = this.receiver.receive(wrap(value));
      if (wait !== NonPromise) await wait;
    }
  }

  private done(scope: ParDoScope): void {
    this.idleScopes.push(scope);
    this.inFlight--;
    while (!this.failure && this.inFlight < this.settings.concurrency) {
      const next = this.waiting.shift();
      if (!next) break;
      try {
        this.start(next.element);
        next.started();
      } catch (error) {
        next.refused(error);
      }
    }
    if (this.inFlight === 0) this.whenIdle?.();
  }

  private throwFailure(): void {
    if (this.failure) throw this.failure.error;
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    for (const { refused } of this.waiting.splice(0)) refused(this.failure.error);
  }

  private async settled(): Promise<void> {
    while (this.inFlight > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
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

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
