import { createRunner } from "../../runners/index.js";
import { describeRunner } from "../suites/runner-suite.js";

describeRunner({
  name: "direct",
  start: () => Promise.resolve({ runner: createRunner({ runner: "direct" }), stop: () => Promise.resolve() }),
  unsupported: {
    sessions: "the SDK's direct runner does not merge windows",
    workerKilled: "the worker is the program itself",
  },
});
