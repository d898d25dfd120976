import "apache-beam";
import { getRegisteredModules, registeredObjects } from "apache-beam/serialization";
import { expect, test } from "vitest";
import { registerFunctions } from "../../beam/index.js";

function one(): number {
  return 1;
}

class Two {}

test("registers the value and its prototype, and the module for the workers", () => {
  const before = registeredObjects.length;
  registerFunctions("my-app/steps", { one, Two });
  expect(getRegisteredModules()).toContain("my-app/steps");
  const added = registeredObjects.slice(before).map((entry) => (entry as { name: string }).name);
  expect(added.filter((name) => name.startsWith("beam:"))).toEqual([
    "beam:my-app/steps.one.self",
    "beam:my-app/steps.one.prototype",
    "beam:my-app/steps.Two.self",
    "beam:my-app/steps.Two.prototype",
  ]);
});

test("the same value again changes nothing; more can be added to a module", () => {
  registerFunctions("my-app/again", { one });
  const before = registeredObjects.filter((entry) =>
    (entry as { name: string }).name.includes("my-app/again."),
  );
  registerFunctions("my-app/again", { one, Two });
  const after = registeredObjects.filter((entry) =>
    (entry as { name: string }).name.includes("my-app/again."),
  );
  expect(before).toHaveLength(2);
  expect(after).toHaveLength(4);
  expect(getRegisteredModules().filter((name) => name === "my-app/again")).toHaveLength(1);
});

test("refuses another value under a name that is taken", () => {
  registerFunctions("my-app/taken", { one });
  expect(() => registerFunctions("my-app/taken", { one: () => 2 })).toThrow(/"one" already belongs/);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["/home/me/steps.js", { one }, /no module name/],
  ["./steps.js", { one }, /no module name/],
  ["", { one }, /no module name/],
  ["my-app/values", { limit: 3 }, /"limit" is number/],
  ["my-app/values", { nothing: undefined }, /"nothing" is undefined/],
  ["my-app/values", { list: [] }, /"list" is an array/],
])("refuses registerFunctions(%j)", (name, values, message) => {
  expect(() => registerFunctions(name, values)).toThrow(TypeError);
  expect(() => registerFunctions(name, values)).toThrow(message);
});
