import { startPrism } from "../../runners/service/prism.js";
import { describeRunner } from "../suites/runner-suite.js";
import { portableUnderTest } from "./portable-under-test.js";
import { cacheFolder, prismProgram } from "./programs.js";

describeRunner(
  await portableUnderTest(
    "prism 2.60",
    () => startPrism({ prismPath: prismProgram("2.60"), cacheFolder }),
    { runner: "prism", parallelism: 2 },
    {
      sessions:
        "Prism 2.60 takes the nanoseconds of a gap for milliseconds, so all sessions of a key become one (handlerunner.go: gapSize).",
    },
  ),
);
