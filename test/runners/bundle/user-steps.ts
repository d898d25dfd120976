/** Steps as a user's project has them: a module with variables of its own, registered under its name. */
import { createRequire } from "node:module";
import { type Counter, type CounterFamily, registerFunctions } from "../../../beam/index.js";

const weights = new Map([["a", 1]]);

export function weigh(element: string): number {
  return (weights.get(element) ?? 10) + element.length;
}

export function bySeven(element: string): number {
  return Number(element) % 7;
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

/** Counts by process, and is slow enough that one does not do all. */
export class TellsProcess {
  *process(element: string, { process: processes }: { readonly process: CounterFamily }): Generator<string> {
    processes.increment(String(process.pid));
    for (const end = performance.now() + 0.2; performance.now() < end;);
    yield element;
  }
}

/** Counts what comes, and passes it on. */
export class AddUp {
  *process(element: string, { sum }: { readonly sum: Counter }): Generator<string> {
    sum.increment(Number(element));
    yield element;
  }
}

/** Counts groups and their elements. */
export class CountGroup {
  *process(
    { value }: { readonly key: number; readonly value: Iterable<string> },
    { groups, elements }: { readonly groups: Counter; readonly elements: Counter },
  ): Generator<never> {
    groups.increment(1);
    elements.increment([...value].length);
  }
}

/** Opens a database in memory with native code that is not in a bundle, as steps with native code have to. */
export class OpensLibsql {
  *process(element: string): Generator<string> {
    const Database = createRequire(import.meta.url)("libsql") as new (path: string) => {
      prepare(sql: string): { get(...values: unknown[]): { answer: string } };
      close(): void;
    };
    const database = new Database(":memory:");
    yield database.prepare("select ? as answer").get(element).answer;
    database.close();
  }
}

registerFunctions("beam-indexeddb/test/user-steps", {
  weigh,
  bySeven,
  Prefix,
  Slowly,
  Reader,
  KilledAt,
  ThrowsAt,
  OpensLibsql,
  TellsProcess,
  AddUp,
  CountGroup,
});
