import { type Counter, type listSideInput, registerFunctions } from "../../../beam/index.js";

/** Emits `n` strings of `bytes` characters for each element, from one call. */
export class Emit {
  readonly n: number;
  readonly bytes: number;

  constructor(n: number, bytes: number) {
    this.n = n;
    this.bytes = bytes;
  }

  *process(): Generator<string> {
    for (let i = 0; i < this.n; i++) yield String(i).padStart(this.bytes, "-");
  }
}

/** Waits a turn of the event loop for every element, as a call to a server would. */
export class TakeTurns {
  async process(element: unknown): Promise<unknown[]> {
    await new Promise((resolve) => setImmediate(resolve));
    return [element];
  }
}

/** Steps that wait until a test opens a gate. */
export const gates = new Map<string, Promise<void>>();
export const gatesReached = new Map<string, number>();

export class WaitAtGate {
  readonly gate: string;

  constructor(gate: string) {
    this.gate = gate;
  }

  async process(element: unknown): Promise<unknown[]> {
    gatesReached.set(this.gate, (gatesReached.get(this.gate) ?? 0) + 1);
    await gates.get(this.gate);
    return [element];
  }
}

export class SumWithSide {
  *process(
    element: number,
    { side, seen }: { side: ReturnType<typeof listSideInput<number>>; seen: Counter },
  ): Generator<number> {
    seen.increment(1);
    yield side.lookup().reduce((sum, value) => sum + value, element);
  }
}

export class FailOn {
  readonly element: unknown;

  constructor(element: unknown) {
    this.element = element;
  }

  *process(element: unknown): Generator {
    if (element === this.element) {
      throw new RangeError(`element ${String(element)} is "bad" <here>`, {
        cause: new Error("the disk said no"),
      });
    }
    yield element;
  }
}

export class WhichProcess {
  async *process(element: unknown): AsyncGenerator {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield { element, pid: process.pid };
  }
}

export class Talk {
  *process(element: unknown): Generator {
    /* eslint-disable no-console -- what this step is for */
    console.log("working on %s", element);
    console.warn("careful");
    /* eslint-enable no-console */
    process.stdout.write("straight out\n");
    yield element;
  }
}

registerFunctions("beam-indexeddb/test/worker-steps", {
  Emit,
  TakeTurns,
  WaitAtGate,
  SumWithSide,
  FailOn,
  WhichProcess,
  Talk,
});
