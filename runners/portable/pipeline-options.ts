import { registeredModules, Struct } from "../../beam/model.js";

/** A value that goes to the runner as it is. null and undefined leave the option out. */
export type PipelineOptionValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly PipelineOptionValue[]
  | { readonly [name: string]: PipelineOptionValue };

/** Options by name, camelCase or snake_case. */
export type PipelineOptions = Readonly<Record<string, PipelineOptionValue>>;

/**
 * Options as a job server takes them: each under `beam:option:<snake_case>:v1` with its own JSON type, and what every job of ours has: `streaming` false, and the
 * modules whose functions the pipeline may use.
 * @throws TypeError for a value that JSON doesn't have, and for an option that is named twice
 */
export function encodePipelineOptions(options: PipelineOptions): Struct {
  const all: Record<string, unknown> = {
    [optionKey("streaming")]: false,
    [optionKey("registeredNodeModules")]: [...registeredModules()],
  };
  const given = new Map<string, string>();
  for (const [name, value] of Object.entries(options)) {
    const encoded = jsonOf(value, name);
    if (encoded === undefined) continue;
    const key = optionKey(name);
    const before = given.get(key);
    if (before !== undefined)
      throw new TypeError(`The pipeline options ${before} and ${name} are one option.`);
    given.set(key, name);
    all[key] = encoded;
  }
  return Struct.fromJson(all as Parameters<typeof Struct.fromJson>[0]);
}

/** `jobName`, `job_name` or the key itself -> `beam:option:job_name:v1` */
export function optionKey(name: string): string {
  if (/^beam:option:\w+:v\d+$/.test(name)) return name;
  if (!/^[A-Za-z]\w*$/.test(name))
    throw new TypeError(`${JSON.stringify(name)} is no name of a pipeline option: write it like jobName.`);
  const snake = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .toLowerCase();
  return `beam:option:${snake}:v1`;
}

function jsonOf(value: unknown, name: string): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      throw new TypeError(`The pipeline option ${name} is ${value}, which JSON doesn't have.`);
    case "undefined":
      return undefined;
    case "object":
      if (value === null) return undefined;
      if (Array.isArray(value)) return value.map((item: unknown) => jsonOf(item, name) ?? null);
      if (isPlainObject(value)) {
        const entries = Object.entries(value).map(([key, item]) => [key, jsonOf(item, name)] as const);
        return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
      }
      break;
    default:
  }
  throw new TypeError(
    `The pipeline option ${name} has to be JSON: text, a number, true or false, a list, or an object.`,
  );
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
