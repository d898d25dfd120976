import { startPython } from "../../runners/service/python.js";
import { describeRunner } from "../suites/runner-suite.js";
import { portableUnderTest } from "./portable-under-test.js";
import { cacheFolder } from "./programs.js";

describeRunner(
  await portableUnderTest(
    "python",
    () => startPython({ cacheFolder }),
    { runner: "python", parallelism: 2 },
    {},
  ),
);
