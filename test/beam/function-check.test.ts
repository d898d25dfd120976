import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import { transformSync } from "esbuild";
import ts from "typescript";
import { afterAll, describe, expect, test } from "vitest";
import {
  asyncParDo,
  create,
  FunctionNotPortableError,
  groupBy,
  parDo,
  partition,
  type PCollection,
  registerFunctions,
  runDirect,
  singletonSideInput,
  withName,
} from "../../beam/index.js";
import { SnapshotRecord } from "../../snapshot/index.js";
import { collect } from "./collect.js";
import * as helpers from "./portable-helpers.js";

const limit = 3;

class Unregistered {
  *process(x: number): Generator<number> {
    yield x;
  }
}

class Registered {
  readonly payload: unknown;

  constructor(payload?: unknown) {
    this.payload = payload;
  }

  *process(x: number): Generator {
    yield [x, this.payload];
  }
}

class AsyncRegistered {
  async process(x: number): Promise<number[]> {
    return [x];
  }
}

registerFunctions("beam-indexeddb/test/function-check", { Registered, AsyncRegistered });

/** Builds and runs a one-step pipeline over [1, 2, 3]. */
const over = (step: (numbers: PCollection<number>) => unknown) =>
  runDirect((root) => {
    step(root.apply(create([1, 2, 3])));
  });

const refused = async (step: (numbers: PCollection<number>) => unknown, ...parts: RegExp[]) => {
  const error: unknown = await over(step).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(FunctionNotPortableError);
  expect(error).toBeInstanceOf(TypeError);
  expect(error).toMatchObject({ code: "FUNCTION_NOT_PORTABLE" });
  for (const part of parts) expect((error as Error).message).toMatch(part);
};

describe("a function that captures is refused while the pipeline is built, whatever takes it", () => {
  const names = [/"limit"/, /context.*registerFunctions.*class/s];

  test("map, flatMap, parDo", async () => {
    await refused((numbers) => numbers.map((x) => x > limit), ...names);
    await refused((numbers) => numbers.flatMap((x) => [x, limit]), ...names);
    await refused(
      (numbers) =>
        numbers.apply(
          withName(
            "limited",
            parDo({
              *process(x: number) {
                if (x < limit) yield x;
              },
            }),
          ),
        ),
      ...names,
    );
  });

  test("groupBy, combining, partition", async () => {
    await refused((numbers) => numbers.apply(groupBy((x) => x % limit)), ...names);
    await refused(
      (numbers) =>
        numbers.apply(
          groupBy((x: number) => x).combining(
            (x) => x,
            (a: number, b: number) => Math.min(a, b, limit),
            "least",
          ),
        ),
      ...names,
    );
    await refused(
      (numbers) =>
        numbers.apply(
          withName(
            "parts",
            partition((x: number) => (x < limit ? 0 : 1), 2),
          ),
        ),
      ...names,
    );
  });

  test("an imported function, as a test runner leaves it", async () => {
    await refused(
      (numbers) => numbers.map((x) => helpers.double(x)),
      /__vi(te_ssr)?_import_\d+__ \(an import\)/,
    );
  });

  test("`this` of an arrow, bound, native and private things", async () => {
    await refused(
      (numbers) => numbers.map(((x: number) => x + 1).bind(undefined)),
      /bound function.*Wrap it/s,
    );
    await refused((numbers) => numbers.map(new Intl.Collator().compare as never), /function of the platform/);
    class Holder {
      readonly by = 2;
      readonly times = (x: number) => x * this.by;
    }
    await refused((numbers) => numbers.map(new Holder().times), /"this"/);
    class Hidden {
      #by = 2;
      times(x: number): number {
        return x * this.#by;
      }
    }
    await refused((numbers) => numbers.map(Reflect.get(Hidden.prototype, "times") as never), /"#by"/);
  });

  test("instances of classes that are not registered, as DoFns and in fields, and classes themselves", async () => {
    await refused(
      (numbers) => numbers.apply(parDo(new Unregistered())),
      /class Unregistered is not registered/,
    );
    await refused(
      (numbers) => numbers.apply(parDo(new Registered(new Unregistered()))),
      /class Unregistered/,
    );
    await refused((numbers) => numbers.apply(parDo(new Registered(Unregistered))), /class Unregistered/);
  });

  test("fields that mean nothing elsewhere", async () => {
    await refused(
      (numbers) => numbers.apply(parDo(new Registered(Promise.resolve(1)))),
      /"doFn\.payload" is a Promise/,
    );
    await refused((numbers) => numbers.apply(parDo(new Registered(new WeakMap()))), /WeakMap/);
    await refused((numbers) => numbers.apply(parDo(new Registered(Symbol("s")))), /symbol/);
    await refused(
      (numbers) => numbers.apply(parDo(new Registered(new Map([["f", () => limit]])))),
      /Map.*data only/s,
    );
  });

  test("a PCollection, with a hint at side inputs", async () => {
    await refused(
      (numbers) => numbers.map((x, { all }) => [x, all], { all: numbers }),
      /PCollection.*listSideInput/s,
    );
  });

  test("asynchronous functions where nobody awaits them", async () => {
    await refused((numbers) => numbers.map(async (x) => x), /asynchronous.*asyncParDo/s);
    await refused(
      (numbers) =>
        numbers.flatMap(async function* (x: number) {
          yield x;
        } as never),
      /asynchronous/,
    );
    await refused(
      (numbers) => numbers.apply(parDo(new AsyncRegistered() as never)),
      /AsyncRegistered\.process is asynchronous/,
    );
    await over((numbers) => numbers.apply(asyncParDo(new AsyncRegistered())));
  });
});

test("a promise that a plain function returns is an error when it runs", async () => {
  await expect(over((numbers) => numbers.map((x) => Promise.reject(new Error(String(x)))))).rejects.toThrow(
    /promise.*asyncParDo/s,
  );
});

describe("what travels", () => {
  test("self-contained functions, with globals of the language and of Node", async () => {
    const found = await collect((root) =>
      root.apply(create([4])).map(
        withName("factorial", (x: number) => {
          const f = (y: number): number => (y === 0 ? 1 : y * f(y - 1));
          return Buffer.from(new TextEncoder().encode(String(f(x)))).toString("latin1");
        }),
      ),
    );
    expect(found).toEqual(["24"]);
  });

  test("methods in their short form", async () => {
    const found = await collect((root) =>
      root.apply(create([1])).apply(
        withName(
          "short",
          parDo({
            *process(x: number) {
              yield x;
              yield* this.more!(x);
            },
            more(x: number) {
              return [x + 1];
            },
          } as { process(x: number): Iterable<number>; more?(x: number): number[] }),
        ),
      ),
    );
    expect(found).toEqual([1, 2]);
  });

  test("registered functions, also where they are captured by hand", async () => {
    const found = await collect((root) => {
      const given = Object.assign((x: number) => helpersDouble(x), {
        __closure: () => ({ helpersDouble: helpers.double }),
      });
      return root
        .apply(create([1]))
        .map(helpers.double)
        .map(given);
    });
    expect(found).toEqual([4]);
  });

  test("a compiler's helper that keeps names", async () => {
    const found = await collect((root) =>
      root.apply(create([1])).map(
        withName("names", (x: number) => {
          const f = __name((y: number) => y + 1, "f");
          return `${f.name}${f(x)}`;
        }),
      ),
    );
    expect(found).toEqual(["f2"]);
  });

  const record = SnapshotRecord.of({ store: "s", key: 1, value: "v" });
  test.each<[string, unknown]>([
    ["a Map", new Map<unknown, unknown>([[1, new Set([2])]])],
    ["bytes", new Uint8Array([1, 2])],
    ["NaN, -0, Infinity", [NaN, -0, 0, -0, Infinity, -Infinity]],
    ["a BigInt and a text that looks like one", [10n, ":bigint:10"]],
    ["undefined", { a: undefined }],
    ["a Date", new Date(5)],
    ["names with underscores", { __store: 1, a: 2 }],
    ["a record", record],
    ["lone surrogates", "\ud800"],
    ["holes", [1, , 2]],
  ])("%s, in fields of a DoFn, in a context, in a default of a side input", async (_title, value) => {
    expect(await collect((root) => root.apply(create([1])).apply(parDo(new Registered(value))))).toEqual([
      [1, value],
    ]);
    expect(
      await collect((root) => root.apply(create([1])).map((x, context) => [x, context.value], { value })),
    ).toEqual([[1, value]]);
    if (value === undefined) return;
    expect(
      await collect((root) => {
        const none = root.apply(withName("none", create<unknown>([])));
        return root
          .apply(create([1]))
          .map((x, { side }) => [x, side.lookup()], { side: singletonSideInput(none, value) });
      }),
    ).toEqual([[1, value]]);
  });

  test("shared variables of functions stay shared", async () => {
    const state = { count: 0 };
    const add = Object.assign((x: number) => (state.count += x), { __closure: () => ({ state }) });
    const read = Object.assign(() => state.count, { __closure: () => ({ state }) });
    const found = await collect((root) =>
      root.apply(create([1, 2], false)).map((x, fns) => (fns.add(x), fns.read()), { add, read }),
    );
    expect(found).toEqual([1, 3]);
    expect(state.count).toBe(0);
  });
});

const helpersDouble = (x: number) => x;
declare const __name: <T>(target: T, name: string) => T;

describe("code of other compilers", () => {
  const folder = mkdtempSync(join(tmpdir(), "beam-indexeddb-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const source = `
    import { basename } from "node:path";
    const captured: number = 2;
    export const good = (x: number): number => { const twice = (y: number) => y * 2; class Box { v = x } return twice(new Box().v); };
    export const capturing = (x: number): number => x * captured;
    export const importing = (x: number): string => basename(String(x));
    export const asynchronous = async (x: number): Promise<number> => x;
    export const doFn = { *process(x: number) { yield x ?? 1; } };
  `;
  const compile = (code: string, module: ts.ModuleKind, target = ts.ScriptTarget.ES2022) =>
    ts.transpileModule(code, { compilerOptions: { module, target } }).outputText;

  test.each<[string, string, string]>([
    ["tsc to ES modules", "a.mjs", compile(source, ts.ModuleKind.ES2022)],
    ["tsc to CommonJS", "b.cjs", compile(source, ts.ModuleKind.CommonJS)],
    ["tsc to ES2017", "f.cjs", compile(source, ts.ModuleKind.CommonJS, ts.ScriptTarget.ES2017)],
    ["esbuild", "c.mjs", transformSync(source, { loader: "ts", format: "esm" }).code],
    [
      "esbuild that keeps names",
      "d.mjs",
      transformSync(source, { loader: "ts", format: "esm", keepNames: true }).code,
    ],
    ["esbuild, minified", "e.mjs", transformSync(source, { loader: "ts", format: "esm", minify: true }).code],
  ])("%s", async (_title, file, code) => {
    writeFileSync(join(folder, file), code);
    const fns = (await import(/* @vite-ignore */ pathToFileURL(join(folder, file)).href)) as Record<
      string,
      never
    >;
    expect(await collect((root) => root.apply(create([4])).map(withName("good", fns.good!)))).toEqual([8]);
    expect(
      await collect((root) => root.apply(create([4])).apply(withName("doFn", parDo(fns.doFn!)))),
    ).toEqual([4]);
    await refused((numbers) => numbers.map(fns.capturing!), /which it captured/);
    await refused((numbers) => numbers.map(fns.importing!), /which it captured/);
    await refused((numbers) => numbers.map(fns.asynchronous!), /asynchronous/);
  });
});
