/** Steps as a user's project has them: a module with variables of its own, registered under its name. */
import { registerFunctions } from "../../../beam/index.js";

const weights = new Map([["a", 1]]);

export function weigh(element: string): number {
  return (weights.get(element) ?? 10) + element.length;
}

export class Prefix {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  *process(element: string): Generator<string> {
    yield `${this.prefix}${element}`;
  }
}

/** Waits for every element, and tells where it runs. */
export class Slowly {
  async *process(element: string): AsyncGenerator<string> {
    await new Promise((resolve) => setImmediate(resolve));
    yield element;
  }
}

/** Another class named like one of the SDK's, which a bundler has to tell apart without renaming it for the user. */
export class Reader {
  *process(element: unknown): Generator<string> {
    yield `${this.constructor.name}:${String(element)}`;
  }
}

export class KilledAt {
  readonly element: unknown;

  constructor(element: unknown) {
    this.element = element;
  }

  *process(element: unknown): Generator {
    if (element === this.element) process.kill(process.pid, "SIGKILL");
    yield element;
  }
}

export class ThrowsAt {
  readonly element: unknown;

  constructor(element: unknown) {
    this.element = element;
  }

  *process(element: unknown): Generator {
    if (element === this.element) throw new RangeError(`${String(element)} is out of range`);
    yield element;
  }
}

registerFunctions("beam-indexeddb/test/user-steps", { weigh, Prefix, Slowly, Reader, KilledAt, ThrowsAt });
