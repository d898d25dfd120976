/** ParDo for work that takes time: files, network, databases. */
import "./node-compatibility.js";
import "apache-beam";
import { type PCollection, type PTransform, type WindowedValue, withName } from "apache-beam";
import { ParDoPayload } from "apache-beam/proto/beam_runner_api";
import { type DoFn, parDo } from "apache-beam/transforms/pardo";
import { asyncDoFnUrn, encodeAsyncPayload } from "./async-payload.js";
import { allowAsynchronous } from "./function-check.js";

/** What a step of an asynchronous DoFn may give: nothing, elements at once or one after the other, now or later. */
export type AsyncOutput<OutputT> =
  | undefined
  | null
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a method without a result is declared as void
  | void
  | Iterable<OutputT>
  | AsyncIterable<OutputT>
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- as above
  | Promise<undefined | null | void | Iterable<OutputT> | AsyncIterable<OutputT>>;

/** Beam's DoFn, whose methods may be asynchronous. Like every DoFn it travels: an instance of a registered class with plain fields. */
export interface AsyncDoFn<InputT, OutputT, ContextT = undefined> {
  readonly beamName?: string;
  process(element: InputT, context: ContextT): AsyncOutput<OutputT>;
  /** Before the first element of a bundle: open clients and files here. Constructors do not run on workers. */
  startBundle?(context: ContextT): void | Promise<void>;
  /** After the last element, once all of them are done. Gives elements with their windows: see `inGlobalWindow`. */
  finishBundle?(context: ContextT): AsyncOutput<WindowedValue<OutputT>>;
  /** At the end of a bundle whether it succeeded or not, once nothing of it is under way: close what `startBundle` opened. */
  teardown?(): void | Promise<void>;
}

/** How many calls run at a time, and whether their order shows. */
export interface AsyncParDoOptions {
  /** Elements in flight per bundle, at most; elements beyond wait, and so do the steps before. Default 16. */
  readonly concurrency?: number | undefined;
  /** Outputs come in the order of the inputs. Default false: as they get ready. */
  readonly ordered?: boolean | undefined;
}

/**
 * Applies an asynchronous DoFn to every element.
 *
 * Guarantees: at most `concurrency` calls of `process` are under way; the elements of one call keep their order, and the next is asked for
 * when the steps behind have taken the last (a synchronous iterable is handed on without a promise per element). The first error fails the
 * bundle as it is; after it nothing more is emitted, and the pipeline's promise settles when all calls have ended. Windows and timestamps
 * of the outputs are those of the input.
 *
 * @param context Further arguments of the DoFn: plain data, side inputs, counters.
 * @throws TypeError FUNCTION_NOT_PORTABLE when the DoFn can't travel to workers; TypeError for a concurrency below 1.
 * @example
 * class Fetch { async process(url: string) { return [await (await fetch(url)).text()]; } }
 * registerFunctions("my-app/steps", { Fetch });
 * urls.apply(asyncParDo(new Fetch(), { concurrency: 8 }));
 */
export function asyncParDo<InputT, OutputT, ContextT extends object | undefined = undefined>(
  doFn: AsyncDoFn<InputT, OutputT, ContextT>,
  options: AsyncParDoOptions = {},
  context?: ContextT,
): PTransform<PCollection<InputT>, PCollection<OutputT>> {
  const { concurrency = 16, ordered = false } = options;
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new TypeError(
      `asyncParDo: concurrency must be a whole number of at least 1, not ${String(concurrency)}.`,
    );
  }
  const synchronous = doFn as unknown as DoFn<InputT, OutputT, ContextT>;
  return withName(nameOf(doFn), (input, pipeline, proto) => {
    // The SDK writes the transform, side inputs and all; then its function becomes an asynchronous one.
    const expand = parDo(synchronous, context) as (
      input: PCollection<InputT>,
      pipeline: unknown,
      proto: unknown,
    ) => PCollection<OutputT>;
    const output = allowAsynchronous(() => expand(input, pipeline, proto));
    const payload = ParDoPayload.fromBinary(proto.spec!.payload);
    payload.doFn!.payload = encodeAsyncPayload({ concurrency, ordered }, payload.doFn!.payload);
    payload.doFn!.urn = asyncDoFnUrn;
    proto.spec!.payload = ParDoPayload.toBinary(payload);
    return output;
  });
}

function nameOf(doFn: {
  readonly beamName?: string;
  readonly constructor: { readonly name: string };
}): string {
  return doFn.beamName ?? `asyncParDo(${doFn.constructor.name})`;
}
