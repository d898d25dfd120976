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
    "the job server may keep the context of a job whose worker died for more than a minute, and has room for one",
  ),
);
