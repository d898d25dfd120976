import { startPrism } from "../../runners/service/prism.js";
import { describeRunner } from "../suites/runner-suite.js";
import { portableUnderTest } from "./portable-under-test.js";
import { cacheFolder, prismProgram } from "./programs.js";

describeRunner(
  await portableUnderTest(
    "prism 2.77",
    () => startPrism({ prismPath: prismProgram(), cacheFolder }),
    { runner: "prism", parallelism: 2 },
    {},
  ),
);
