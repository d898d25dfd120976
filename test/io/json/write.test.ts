import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { create, runDirect } from "../../../beam/index.js";
import { writeToJson } from "../../../io/index.js";
import { temporaryFolder } from "../../temporary-folder.js";

async function write(elements: readonly unknown[]): Promise<unknown> {
  const file = join(temporaryFolder(), "deep/summary.json");
  await runDirect((root) => {
    root.apply(create(elements)).apply(writeToJson(file));
  });
  expect(readdirSync(join(file, ".."))).toEqual(["summary.json"]);
  return JSON.parse(readFileSync(file, "utf8"));
}

test("elements come as an array, sorted by their text", async () => {
  expect(await write([{ b: [1, null, "x"] }, { a: true }])).toEqual([{ a: true }, { b: [1, null, "x"] }]);
});

test("nothing is an empty array", async () => {
  expect(await write([])).toEqual([]);
});

test.each([
  [undefined],
  [NaN],
  [-0],
  [1n],
  [new Date(0)],
  [new Map()],
  [{ a: undefined }],
  [[Infinity]],
  [new Uint8Array(2)],
])("what JSON does not have is refused, not changed: %o", async (element) => {
  await expect(write([element])).rejects.toMatchObject({ code: "BEAM_ELEMENT_UNSUPPORTED" });
});

test("a place is asked for", () => {
  expect(() => writeToJson("")).toThrow(TypeError);
});
