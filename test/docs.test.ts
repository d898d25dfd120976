import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { snapshotErrorCodes } from "../snapshot/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = [
  "README.md",
  "FORMAT.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
].filter((name) => name.endsWith(".md"));

test("docs/errors.md has a heading for every code, and for no other", () => {
  const headings = [...readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^### (.+)$/gm)].map(
    ([, code]) => code,
  );
  expect(headings.sort()).toEqual([...snapshotErrorCodes].sort());
});

test.each(pages)("every link of %s leads to a file", (page) => {
  const text = readFileSync(join(root, page), "utf8");
  const links = [...text.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, link]) => link!);
  for (const link of links) expect(() => readFileSync(join(root, dirname(page), link)), link).not.toThrow();
});
