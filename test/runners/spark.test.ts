import { startSpark } from "../../runners/service/spark.js";
import { describeRunner } from "../suites/runner-suite.js";
import { portableUnderTest } from "./portable-under-test.js";
import { cacheFolder } from "./programs.js";

describeRunner(
  await portableUnderTest(
    "spark, local",
    () => startSpark({ cacheFolder }),
    { runner: "spark", parallelism: 2 },
    {},
  ),
);
