import { expect, test } from "vitest";
import { isOnThisMachine } from "../../../runners/portable/check-worker-command.js";
import type { RunnerOptions } from "../../../runners/index.js";

const cases: readonly (readonly [RunnerOptions, boolean])[] = [
  [{ runner: "prism" }, true],
  [{ runner: "prism", jobEndpoint: "localhost:8073" }, true],
  [{ runner: "prism", jobEndpoint: "127.0.0.1:8073" }, true],
  [{ runner: "prism", jobEndpoint: "[::1]:8073" }, true],
  [{ runner: "prism", jobEndpoint: "prism.example:8073" }, false],
  [{ runner: "prism", jobEndpoint: "localhost.example:8073" }, false],
  [{ runner: "portable", jobEndpoint: "localhost:8073" }, false],
  [{ runner: "flink" }, true],
  [{ runner: "flink", flinkMaster: "[local]" }, true],
  [{ runner: "flink", flinkMaster: "localhost:8081" }, false],
  [{ runner: "flink", jobEndpoint: "localhost:8099" }, false],
  [{ runner: "spark" }, true],
  [{ runner: "spark", sparkMasterUrl: "local[4]" }, true],
  [{ runner: "spark", sparkMasterUrl: "local" }, true],
  [{ runner: "spark", sparkMasterUrl: "spark://localhost:7077" }, false],
  [{ runner: "python" }, false],
];
test.each(cases)("workers of %o start on this machine: %s", (options, expected) => {
  expect(isOnThisMachine(options)).toBe(expected);
});
