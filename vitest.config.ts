import { configDefaults, defineConfig } from "vitest/config";
import { testsLeftOut } from "./test/tests-left-out.js";

const leftOut = testsLeftOut();
for (const reason of leftOut.reasons) process.stderr.write(`${reason}\n`);

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...leftOut.patterns],
    // Tests that import the SDK by itself need on newer versions of Node what beam/ brings.
    setupFiles: ["beam/node-compatibility.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    passWithNoTests: false,
  },
});
