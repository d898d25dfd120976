import { describe, expect, test } from "vitest";
import { readFunctionSource } from "../../beam/free-identifiers.js";

describe("free names", () => {
  test.each<[string, string[]]>([
    ["(x) => x + 1", []],
    ["(x) => x + limit", ["limit"]],
    ["function f(n) { return n < 2 ? n : f(n - 1); }", []],
    ["function () { return arguments.length + this.x; }", []],
    ["() => arguments.length", ["arguments"]],
    ["(x) => this.f(x)", ["this"]],
    ["function () { return () => new.target; }", []],
    ["() => import.meta.url", ["import.meta"]],
    ["async (x) => { const { a, b: [c, ...d], ...e } = x; return [a, c, d, e, b]; }", ["b"]],
    ["({ a, b = c }) => a + b", ["c"]],
    ["(x, y = x) => y", []],
    ["(x) => { for (const k of x) { use(k); } return k; }", ["use", "k"]],
    ["(x) => { for (var k of x) ; return k; }", []],
    ["(x) => { if (x) { var y = 1; } return y; }", []],
    ["(x) => { return later(); function later() { return x; } }", []],
    ["(x) => { { let y = x; } return y; }", ["y"]],
    ["(x) => { try { return x; } catch ({ message }) { return message; } }", []],
    ["(x) => { try { return x; } catch { return message; } }", ["message"]],
    ["(x) => { outer: for (;;) { break outer; } }", []],
    ["(x) => ({ key: x.key, [name]: x })", ["name"]],
    ["(x) => ({ x, y })", ["y"]],
    ["(x) => x.limit.y", []],
    ["(x) => x?.[index]", ["index"]],
    [
      "(x) => { class A extends B { static #n = 1; #m() { return this.#m; } get() { return super.get() + A.n; } } return new A(); }",
      ["B"],
    ],
    ["(x) => { switch (x) { case one: { let a = 1; return a; } default: let b; return b; } }", ["one"]],
    ["(x) => `${x} of ${total}`", ["total"]],
    ["(x) => tag`a${x}`", ["tag"]],
    ["(x) => { count++; other = x; }", ["count", "other"]],
    ['(x) => { const f = __name((y) => y, "f"); return f(x); }', ["__name"]],
    ["(x) => __vi_import_0__.f(x)", ["__vi_import_0__"]],
    ["(x) => (0, fns_1.helper)(x)", ["fns_1"]],
    ["(x) => /a/g.test(x) && typeof y", ["y"]],
    ["(x) => import(x)", []],
    ["(x) => (y) => (z) => x + y + z + w", ["w"]],
    ["(arguments_) => undefined", ["undefined"]],
    ["process(x) { return this.prefix + x; }", []],
    ["*process(x) { yield x; yield* more; }", ["more"]],
    ["async *process(x) { for await (const y of x) yield y; }", []],
    ["async process(x) { return await x; }", []],
    ["process(x) { return super.process(x); }", ["super"]],
    ["process(x) { return this.#hidden; }", ["#hidden"]],
    ["[Symbol.iterator]() { return 1; }", []],
    ["get value() { return other; }", ["other"]],
    ["static make(x) { return x; }", []],
  ])("of %s", (source, free) => {
    if (source.startsWith("static")) expect(() => readFunctionSource(source)).toThrow(SyntaxError);
    else expect(readFunctionSource(source).free).toEqual(free);
  });
});

describe("the expression of a method", () => {
  test.each([
    ["process(x) { return x; }", "function (x) { return x; }"],
    ["*process(x) { yield x; }", "function* (x) { yield x; }"],
    ["async process(x) { return x; }", "async function (x) { return x; }"],
    ["async *process(x) { yield x; }", "async function* (x) { yield x; }"],
    ["(x) => x", "(x) => x"],
    ["function f(x) { return x; }", "function f(x) { return x; }"],
  ])("%s", (source, expression) => {
    expect(readFunctionSource(source).expression).toBe(expression);
  });
});

test.each([
  "class A {}",
  "function () { [native code] }",
  "x",
  "() => new.target",
  "(x) => x, (y) => y",
  "process(x) {}, y: z",
])("%s is no function", (source) => {
  expect(() => readFunctionSource(source)).toThrow(SyntaxError);
});
