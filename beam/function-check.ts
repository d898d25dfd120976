/**
 * The check of what a pipeline sends to workers, made while the pipeline is built. A function travels as its source text: what it captured
 * stays behind, and without this check the job fails on a worker with "x is not defined". It is called where the SDK turns functions into
 * text, so it holds for every transform: map, flatMap, parDo, groupBy, combine functions, windows.
 */
import "./node-compatibility.js";
import { PCollection, SideInputParam } from "apache-beam";
import { readFunctionSource, type FunctionSource } from "./free-identifiers.js";
import { isPlainData } from "./plain-data.js";
import { isBuiltin, isRegistered } from "./registered.js";
import { isWorkerGlobal } from "./worker-globals.js";

/** Thrown while a pipeline is built, for a function or DoFn that can't travel to workers. */
export class FunctionNotPortableError extends TypeError {
  readonly code = "FUNCTION_NOT_PORTABLE";

  constructor(message: string) {
    super(message);
    this.name = "FunctionNotPortableError";
  }
}

/** Helpers that compilers leave in functions, with what stands for them on a worker (see function-transport.ts). */
export const compilerHelpers: ReadonlySet<string> = new Set(["__name"]);

let asynchronousAllowed = false;

/** Runs the construction of an asynchronous step: inside, functions may be asynchronous. */
export function allowAsynchronous<T>(construct: () => T): T {
  const outer = asynchronousAllowed;
  asynchronousAllowed = true;
  try {
    return construct();
  } finally {
    asynchronousAllowed = outer;
  }
}

/** @throws FunctionNotPortableError naming the function, what is wrong with it, and the ways that work. */
export function checkPortable(root: unknown): void {
  new Check().value(root, "");
}

/** The parsed source of a function; `undefined` when it is none that can be read (a class, native code). */
export function sourceOf(fn: PortableFunction): FunctionSource | undefined {
  const known = sources.get(fn);
  if (known !== undefined) return known;
  const text = Function.prototype.toString.call(fn);
  if (isNativeText(text)) return undefined;
  try {
    const source = readFunctionSource(text);
    sources.set(fn, source);
    return source;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A function as the SDK sees it: what it captured may be given beside it, and one that has already travelled hides its original. */
export interface PortableFunction {
  (...args: never[]): unknown;
  readonly __closure?: () => Record<string, unknown>;
  readonly __impl?: PortableFunction;
}

const sources = new WeakMap<PortableFunction, FunctionSource>();

const waysThatWork =
  "A function travels to workers as its source text alone. Three ways work: (1) let it use only its parameters, and hand the rest over as the context, map(fn, { limit }) with fn = (element, { limit }) => ...; " +
  '(2) put it in a module and register it there, registerFunctions("my-app/steps", { fn }): a registered function may use everything of its module; (3) make it a method of a registered class with plain fields.';

class Check {
  private readonly seen = new Set<object>();

  value(value: unknown, path: string): void {
    if (typeof value === "symbol")
      throw refusal(path, "is a symbol, which has no form on another machine. Use a string.");
    if (typeof value !== "object" && typeof value !== "function") return;
    if (value === null || this.seen.has(value)) return;
    this.seen.add(value);
    if (typeof value === "function") this.fn(value as PortableFunction, path);
    else this.object(value, path);
  }

  private fn(fn: PortableFunction, path: string): void {
    const original = fn.__impl ?? fn;
    if (!asynchronousAllowed && isAsynchronous(original)) throw asynchronous(labelOf(original, path));
    if (isRegistered(fn)) return;
    const label = labelOf(original, path);
    const text = Function.prototype.toString.call(original);
    if (isNativeText(text)) {
      const bound = original.name.startsWith("bound ");
      throw new FunctionNotPortableError(
        `${label} is ${bound ? "a bound function" : "a function of the platform"}, which has no source text to send to workers. Wrap it: (element) => ... .`,
      );
    }
    if (text.startsWith("class")) throw unregistered(original.name);
    const source = sourceOf(original);
    if (!source) {
      throw new FunctionNotPortableError(
        `${label} has a form that can't be read from its source text. ${waysThatWork}`,
      );
    }
    const given = closureOf(original, label);
    const missing = source.free.filter((name) => !isGiven(name, given));
    if (missing.length > 0) throw captured(label, missing);
    for (const [name, item] of Object.entries(given))
      this.value(item, path ? `${path}, captured ${name}` : `captured ${name}`);
    this.fields(fn, path);
  }

  private object(value: object, path: string): void {
    if (isRegistered(value) || isPlainData(value)) return;
    if (value instanceof PCollection) throw pcollection(path);
    if (Array.isArray(value)) {
      value.forEach((item, i) => {
        this.value(item, `${path}[${i}]`);
      });
      return;
    }
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype !== null && prototype !== Object.prototype) {
      if (isBuiltin(prototype)) throw unsupported(path, prototype);
      if (!isRegistered(prototype)) {
        if (!isDerived(prototype)) throw unregistered(classNameOf(prototype));
        this.value(prototype, path);
      }
      if (!asynchronousAllowed) this.synchronousMethods(value);
    }
    this.fields(value, path);
  }

  private fields(value: object, path: string): void {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
      // A function's own prototype object and the like; whoever hides a property means it to stay.
      if (typeof value === "function" && (!descriptor.enumerable || name.startsWith("__"))) continue;
      // The SDK leaves a side input's PCollection in its description; it does not travel (see function-transport.ts).
      if (name === "pcoll" && value instanceof SideInputParam) continue;
      const at = path ? `${path}.${name}` : name;
      if (name.length > 2 && name.startsWith("__")) {
        throw refusal(
          at,
          'does not travel: the SDK leaves out fields whose names start with "__". Rename it.',
        );
      }
      // The value, or a getter and a setter; the flags beside them are of no matter.
      for (const part of Object.values(descriptor) as unknown[]) this.value(part, at);
    }
  }

  /** Methods of registered classes travel by name and are not read; that they are asynchronous can be seen all the same. */
  private synchronousMethods(value: object): void {
    for (const name of methodNames) {
      const method = (value as Record<string, unknown>)[name];
      if (typeof method === "function" && isAsynchronous(method)) {
        throw asynchronous(`${classNameOf(Object.getPrototypeOf(value) as object)}.${name}`);
      }
    }
  }
}

/** The SDK copies a context and its parameters by inheriting from them: such a chain ends in a plain object or a registered class. */
function isDerived(prototype: object): boolean {
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (at === Object.prototype || isRegistered(at)) return true;
    if (Object.hasOwn(at, "constructor")) return false;
  }
  return true;
}

/** Of DoFns and combine functions. */
const methodNames = [
  "process",
  "startBundle",
  "finishBundle",
  "createAccumulator",
  "addInput",
  "mergeAccumulators",
  "extractOutput",
] as const;

function isGiven(name: string, given: Readonly<Record<string, unknown>>): boolean {
  return name in given || isWorkerGlobal(name) || compilerHelpers.has(name);
}

function closureOf(fn: PortableFunction, label: string): Record<string, unknown> {
  try {
    return fn.__closure?.() ?? {};
  } catch (cause) {
    throw new FunctionNotPortableError(
      `${label}: its list of captured variables can't be read: ${String(cause)}`,
    );
  }
}

function isNativeText(text: string): boolean {
  return text.endsWith("{ [native code] }");
}

function isAsynchronous(fn: object): boolean {
  const tag = Object.prototype.toString.call(fn);
  return tag === "[object AsyncFunction]" || tag === "[object AsyncGeneratorFunction]";
}

function captured(label: string, names: readonly string[]): FunctionNotPortableError {
  const special = names.find((name) => /^(?:this|super|new\.target|import\.meta|arguments|#.*)$/.test(name));
  const what = names.map((name) => `"${readable(name)}"`).join(", ");
  const why =
    special === undefined
      ? "which it captured from around it"
      : "which mean nothing away from where it was written";
  return new FunctionNotPortableError(`${label} uses ${what}, ${why}. ${waysThatWork}`);
}

/** What an imported name looks like after a bundler or a test runner, in the words of who wrote it. */
function readable(name: string): string {
  if (/^__vi(?:te_ssr)?_import_\d+__$/.test(name)) return `${name} (an import)`;
  if (/_\d+$/.test(name) && !name.startsWith("_"))
    return `${name} (perhaps an import, renamed by the compiler)`;
  return name;
}

function asynchronous(label: string): FunctionNotPortableError {
  return new FunctionNotPortableError(
    `${label} is asynchronous, but its result is not awaited here: map, flatMap, parDo, groupBy and combine functions are synchronous in Beam's TypeScript SDK. Use asyncParDo(doFn, { concurrency }) for work that takes time, and combine its results afterwards.`,
  );
}

function unregistered(className: string): FunctionNotPortableError {
  return new FunctionNotPortableError(
    `The class ${className} is not registered, so workers can't rebuild its instances. Register it in its module, registerFunctions("my-app/steps", { ${className} }), or use a plain object.`,
  );
}

function pcollection(path: string): FunctionNotPortableError {
  return refusal(
    path,
    "is a PCollection, whose elements exist only when the pipeline runs. Hand it over as a side input: map(fn, { all: listSideInput(pcollection) }).",
  );
}

function unsupported(path: string, prototype: object): FunctionNotPortableError {
  return refusal(
    path,
    `is a ${classNameOf(prototype)} that has no form on another machine (a Map or Set travels when it holds data only). Use plain data.`,
  );
}

function refusal(path: string, text: string): FunctionNotPortableError {
  return new FunctionNotPortableError(`${path === "" ? "The value" : `"${path}"`} ${text}`);
}

function labelOf(fn: { readonly name: string }, path: string): string {
  const text = Function.prototype.toString.call(fn).replace(/\s+/g, " ");
  const excerpt = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  const name = fn.name === "" || fn.name === path ? "" : ` ${fn.name}`;
  return `The function${name}${path === "" ? "" : ` at ${path}`} (${excerpt})`;
}

function classNameOf(prototype: object): string {
  const constructor: unknown = (prototype as { constructor?: unknown }).constructor;
  return typeof constructor === "function" && constructor.name !== "" ? constructor.name : "(without a name)";
}
