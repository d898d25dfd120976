import { startFlink } from "../../runners/service/flink.js";
import { describeRunner } from "../suites/runner-suite.js";
import { portableUnderTest } from "./portable-under-test.js";
import { cacheFolder } from "./programs.js";

describeRunner(
  await portableUnderTest(
    "flink, embedded",
    () => startFlink({ cacheFolder }),
    { runner: "flink", parallelism: 2 },
    {},
  ),
);
