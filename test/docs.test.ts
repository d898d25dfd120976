import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";
import { snapshotErrorCodes } from "../snapshot/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = [
  "README.md",
  "FORMAT.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((name) => `docs/${name}`),
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

const publicFolders = ["snapshot", "browser", "beam", "io", "transforms", "runners", "pipelines", "testing"];

test("everything that the package exports has a docstring", () => {
  const program = ts.createProgram(
    publicFolders.map((folder) => join(root, folder, "index.ts")),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      types: [],
      skipLibCheck: true,
    },
  );
  const checker = program.getTypeChecker();
  const bare = publicFolders.flatMap((folder) => {
    const file = checker.getSymbolAtLocation(program.getSourceFile(join(root, folder, "index.ts"))!);
    return checker.getExportsOfModule(file!).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const declared = symbol.declarations?.[0]?.getSourceFile().fileName ?? "";
      const ours = declared.startsWith(root) && !declared.includes("node_modules");
      return ours && symbol.getDocumentationComment(checker).length === 0
        ? [`${folder}: ${symbol.name}`]
        : [];
    });
  });
  expect(bare).toEqual([]);
});
