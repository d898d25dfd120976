/**
 * Values that travel by name: a pipeline's description holds "beam-indexeddb/io, class ReadBlocks" instead of source text, and the worker,
 * which has loaded the same module, finds the same function or class again.
 */
import "./node-compatibility.js";
import "apache-beam";
import { registeredObjects, requireForSerialization } from "apache-beam/serialization";
import { defaultBuiltins } from "./sdk-dependency.js";

/**
 * Registers functions and classes of one module, so that functions of a pipeline may use them and instances of the classes (DoFns, combine
 * functions, elements) may travel. Call it once in the module that defines them.
 *
 * Guarantees: a registered function may use everything of its module (imports, variables, other functions); of an instance its own
 * fields travel, as exact data, and its prototype by name. Constructors do not run on workers, and `#private` fields do not travel.
 *
 * @param moduleName What a worker imports to run this call, too: a package's subpath such as `beam-indexeddb/io` or `my-app/steps`.
 * @param values Named functions and classes. The names are part of the contract between driver and worker: never minify them.
 * @throws TypeError when a value is no function or class, or a name is already taken by another value.
 * @example
 * export class AddPrefix { prefix = ""; *process(line: string) { yield this.prefix + line; } }
 * registerFunctions("my-app/steps", { AddPrefix });
 */
export function registerFunctions(moduleName: string, values: Readonly<Record<string, unknown>>): void {
  if (!/^[\w@][\w@./-]*$/.test(moduleName)) {
    throw new TypeError(
      `registerFunctions: "${moduleName}" is no module name. Give what a worker can import, such as "my-app/steps"; file paths differ between machines.`,
    );
  }
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== "function") {
      throw new TypeError(
        `registerFunctions("${moduleName}"): "${name}" is ${describe(value)}, not a function or class.`,
      );
    }
    const known = entries().byName.get(selfName(moduleName, name));
    if (known !== undefined && known !== value) {
      throw new TypeError(
        `registerFunctions("${moduleName}"): the name "${name}" already belongs to another ${describe(value)}. Use another name, or load the module once only.`,
      );
    }
  }
  // The SDK's call keeps the module's name for the workers. It would also register each value's constructor and parent, under names that
  // depend on what else is registered, so the entries are made here: the value itself and its prototype.
  requireForSerialization(moduleName, {});
  for (const [name, value] of Object.entries(values)) {
    add(selfName(moduleName, name), value);
    const prototype: unknown = (value as { prototype?: unknown }).prototype;
    if (prototype !== undefined && prototype !== null) add(`beam:${moduleName}.${name}.prototype`, prototype);
  }
}

/** True for globals of the language and for everything registered: values that travel by name. */
export function isRegistered(value: unknown): boolean {
  return builtins.has(value) || entries().names.has(value);
}

/** True for globals of the language alone. */
export function isBuiltin(value: unknown): boolean {
  return builtins.has(value);
}

/** The name of a registered class's prototype, undefined for all else. */
export function registeredPrototypeName(prototype: object): string | undefined {
  return entries().names.get(prototype);
}

export function registeredPrototype(name: string): object | undefined {
  return entries().byName.get(name) as object | undefined;
}

const builtins = new Set(defaultBuiltins.map((entry) => entry.builtin));

interface Entries {
  readonly names: Map<unknown, string>;
  readonly byName: Map<string, unknown>;
  seen: number;
}

const index: Entries = { names: new Map(), byName: new Map(), seen: 0 };

/** The SDK's list grows whenever a module registers something; the index follows it. The first entry of a name wins, as in the SDK. */
function entries(): Entries {
  for (; index.seen < registeredObjects.length; index.seen++) {
    const { name, builtin } = registeredObjects[index.seen] as { name: string; builtin: unknown };
    if (!index.names.has(builtin)) index.names.set(builtin, name);
    if (!index.byName.has(name)) index.byName.set(name, builtin);
  }
  return index;
}

function add(name: string, value: unknown): void {
  if (entries().byName.get(name) !== value) registeredObjects.push({ name, builtin: value });
}

function selfName(moduleName: string, name: string): string {
  return `beam:${moduleName}.${name}.self`;
}

function describe(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
}
