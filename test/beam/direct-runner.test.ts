import { spawnSync } from "node:child_process";
import { describe, expect, test, vi } from "vitest";
import {
  asyncParDo,
  create,
  failedStep,
  flatten,
  groupBy,
  impulse,
  P,
  parDo,
  registerFunctions,
  runDirect,
  withName,
} from "../../beam/index.js";
import { collect } from "./collect.js";

class UserError extends Error {
  readonly code = "MINE";
  readonly file = "a.idbsnap";
}

class Throws {
  readonly when: "process" | "startBundle" | "finishBundle";

  constructor(when: "process" | "startBundle" | "finishBundle") {
    this.when = when;
  }

  startBundle(): void {
    if (this.when === "startBundle") throw new UserError("in startBundle");
  }

  *process(x: number): Generator<number> {
    if (this.when === "process") throw new UserError("in process");
    yield x;
  }

  finishBundle(): void {
    if (this.when === "finishBundle") throw new UserError("in finishBundle");
  }
}

const generator = { closed: 0, alive: 0, most: 0 };

class Many {
  readonly count: number;

  constructor(count: number) {
    this.count = count;
  }

  *process(): Generator<number> {
    try {
      for (let i = 0; i < this.count; i++) {
        generator.most = Math.max(generator.most, ++generator.alive);
        yield i;
      }
    } finally {
      generator.closed++;
    }
  }
}

class Last {
  *process(x: number): Generator<number> {
    generator.alive--;
    if (x === 5) throw new UserError("at 5");
    yield x;
  }
}

class Slowly {
  async process(x: number): Promise<number[]> {
    await Promise.resolve();
    return [x];
  }
}

class Consume {
  process(_x: number): void {
    generator.alive--;
  }
}

registerFunctions("beam-indexeddb/test/direct-runner", { Throws, Many, Last, Slowly, Consume });

describe("errors of a pipeline on the direct runner", () => {
  test.each(["process", "startBundle", "finishBundle"] as const)(
    "in %s come out as they are",
    async (when) => {
      const error: unknown = await runDirect((root) => {
        root.apply(create([1])).apply(withName("mine", parDo(new Throws(when))));
      }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(UserError);
      expect(error).toMatchObject({ message: `in ${when}`, code: "MINE", file: "a.idbsnap" });
      expect(failedStep(error)).toBe("mine");
    },
  );

  test("behind a grouping, too", async () => {
    const error: unknown = await runDirect((root) => {
      root
        .apply(create([1, 2]))
        .apply(groupBy(() => "all"))
        .apply(withName("after", parDo(new Throws("process") as never)));
    }).catch((e: unknown) => e);
    expect(failedStep(error)).toBe("after");
  });

  test("while it is built come out as they are", async () => {
    await expect(
      runDirect(() => {
        throw new UserError("built");
      }),
    ).rejects.toThrow("built");
    await expect(
      runDirect(async () => {
        await Promise.resolve();
        throw new UserError("built later");
      }),
    ).rejects.toThrow("built later");
  });

  test("close the generators that were under way", async () => {
    Object.assign(generator, { closed: 0, alive: 0, most: 0 });
    await expect(
      runDirect((root) => {
        root
          .apply(impulse())
          .apply(parDo(new Many(10)))
          .apply(withName("last", parDo(new Last())));
      }),
    ).rejects.toThrow("at 5");
    expect(generator.closed).toBe(1);
  });
});

test("elements stream one at a time through steps without a grouping", async () => {
  for (const steps of ["plain", "asynchronous"]) {
    Object.assign(generator, { closed: 0, alive: 0, most: 0 });
    await runDirect((root) => {
      const numbers = root.apply(impulse()).apply(withName("many", parDo(new Many(1000))));
      const moved = numbers.map((x) => x + 1).map((x) => x - 1);
      (steps === "plain" ? moved : moved.apply(asyncParDo(new Slowly(), { concurrency: 4 }))).apply(
        withName("consume", parDo(new Consume() as never)),
      );
    });
    expect(generator.alive).toBe(0);
    expect(generator.most).toBeLessThanOrEqual(steps === "plain" ? 1 : 6);
  }
});

test("several sources are all read, also asynchronously and joined", async () => {
  const found = await collect((root) =>
    P([
      root.apply(withName("a", create([1]))).apply(withName("slow", asyncParDo(new Slowly()))),
      root.apply(withName("b", create([2, 3]))),
    ]).apply(flatten<number>()),
  );
  expect(found.sort()).toEqual([1, 2, 3]);
});

test("nothing is printed", async () => {
  const write = vi.spyOn(process.stdout, "write");
  const debug = vi.spyOn(console, "debug");
  await runDirect((root) => root.apply(create([1])));
  expect(write).not.toHaveBeenCalled();
  expect(debug).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

test("a process ends by itself after a pipeline, failed or not", () => {
  const script = `
    import { create, runDirect } from "./dist/beam/index.js";
    await runDirect((root) => root.apply(create([1])));
    await runDirect((root) => root.apply(create([1])).map(() => { throw new Error("mine"); })).catch((e) => console.log(e.message));
  `;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: new URL("../..", import.meta.url),
    encoding: "utf8",
    timeout: 30_000,
  });
  expect({ stdout, stderr, status }).toEqual({ stdout: "mine\n", stderr: "", status: 0 });
});
