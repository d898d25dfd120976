/**
 * How an error of a bundle gets through a runner. The Fn API has one text for it, which runners wrap in their own texts and stacks; so the text
 * ends with a line that says the same as data, by which the submitter finds what the user wants to know.
 */
import { inspect } from "node:util";
import { failedStep } from "../../beam/step-failure.js";

/** What is known of an error on a worker. */
export interface WorkerFailure {
  readonly name: string;
  readonly message: string;
  /** Stable code, of errors that have one. */
  readonly code?: string | undefined;
  /** Full name of the step whose function threw. */
  readonly step?: string | undefined;
  readonly stack?: string | undefined;
}

const mark = "beam-indexeddb-failure:";
/** A stack or message beyond it is cut, and says so. */
const mostCharacters = 16_384;

/** The text for the runner. */
export function writeFailure(error: unknown): string {
  const failure = failureOf(error);
  const step = failure.step === undefined ? "" : ` in step ${JSON.stringify(failure.step)}`;
  // Base64, since runners escape quotes and line ends of texts that they pass on.
  const data = Buffer.from(JSON.stringify(failure)).toString("base64");
  return `${failure.name}${step}: ${failure.message}\n${failure.stack ?? ""}\n${mark}${data}`;
}

/** The failures in a text that came from a runner, each once, in the order of the text. */
export function readFailures(text: string): WorkerFailure[] {
  const found = new Map<string, WorkerFailure>();
  for (const [, data] of text.matchAll(new RegExp(`${mark}([A-Za-z0-9+/]+={0,2})`, "g"))) {
    const failure = parse(data!);
    if (failure) found.set(data!, failure);
  }
  return [...found.values()];
}

function failureOf(error: unknown): WorkerFailure {
  const step = error instanceof Error ? failedStep(error) : undefined;
  if (!(error instanceof Error)) return { name: "Error", message: cut(String(error)), step };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: cut(error.message),
    step,
    ...(typeof code === "string" ? { code } : {}),
    stack: cut(stackOf(error)),
  };
}

function stackOf(error: Error, depth = 0): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  if (error.cause === undefined || depth === 8) return own;
  const cause = error.cause instanceof Error ? stackOf(error.cause, depth + 1) : inspect(error.cause);
  return `${own}\nCaused by: ${cause}`;
}

function parse(data: string): WorkerFailure | undefined {
  try {
    const value = JSON.parse(Buffer.from(data, "base64").toString()) as Partial<WorkerFailure> | null;
    if (typeof value?.name !== "string" || typeof value.message !== "string") return undefined;
    return value as WorkerFailure;
  } catch {
    // Cut off on the way; the text before it is still there.
    return undefined;
  }
}

function cut(text: string): string {
  return text.length <= mostCharacters
    ? text
    : `${text.slice(0, mostCharacters)}... (${text.length - mostCharacters} characters left out)`;
}
