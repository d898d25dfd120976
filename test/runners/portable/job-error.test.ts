import { describe, expect, test } from "vitest";
import { jobFailed, rootCause } from "../../../runners/portable/job-error.js";
import { writeFailure } from "../../../runners/worker/failure-text.js";

/** How each runner passes on what a worker said, as seen. */
const passedOn: readonly (readonly [string, (text: string) => string])[] = [
  ["prism", (text) => `bundle inst003 stage-003 failed:${text}`],
  [
    "python",
    (text) =>
      [
        "Traceback (most recent call last):",
        '  File "lib/apache_beam/runners/portability/local_job_service.py", line 294, in _run_job',
        "    self.result = self._invoke_runner()",
        "                  ^^^^^^^^^^^^^^^^^^^^^",
        `RuntimeError: ${text}`,
      ].join("\n"),
  ],
  [
    "flink",
    (text) =>
      `java.lang.RuntimeException: Error received from SDK harness for instruction 2: ${text}\n\tat org.apache.beam.Fn.apply(Fn.java:1)`,
  ],
  [
    "flink with causes",
    (text) =>
      `org.apache.flink.client.program.ProgramInvocationException: Job failed (JobID: 1)\n\tat a.B.c(B.java:1)\nCaused by: java.lang.RuntimeException: Error received from SDK harness for instruction 2: ${text}`,
  ],
];

describe("the error of a failed job", () => {
  test.each(passedOn)("is what the user's function threw, through %s", (_, passOn) => {
    const text = passOn(writeFailure(new RangeError("boom at 3")));
    // Runners tell one error more than once.
    const error = jobFailed([text, `Error running pipeline.\n${text}`]);
    expect(error).toMatchObject({
      code: "RUNNER_JOB_FAILED",
      message: "The job failed: RangeError: boom at 3",
      cause: { name: "RangeError", message: "boom at 3" },
    });
    const whole = (error.cause as Error).cause as string;
    expect(whole).toContain("RangeError: boom at 3\n    at ");
    expect(whole).not.toContain("beam-indexeddb-failure");
  });

  test("keeps the code of an error that has one", () => {
    const thrown = Object.assign(new Error("no file matches a/*"), { code: "FILE_NO_MATCH" });
    expect(jobFailed([`bundle a b failed:${writeFailure(thrown)}`])).toMatchObject({
      message: "The job failed: FILE_NO_MATCH: no file matches a/*",
      cause: { code: "FILE_NO_MATCH" },
    });
  });

  test("is the first of several", () => {
    const texts = [new Error("first"), new Error("then")].map(writeFailure);
    expect(jobFailed(texts).message).toBe("The job failed: Error: first");
  });

  test("says so when there is no reason", () => {
    for (const errors of [[], [""], ["\n \n"]])
      expect(jobFailed(errors).message).toBe(
        "The job failed, and the runner did not say why. Its log may tell.",
      );
  });
});

describe("the cause in a text of a runner's own", () => {
  test.each([
    [
      "java.lang.IllegalStateException: Process died with exit code 3\n\tat a.B.c(B.java:1)",
      "Process died with exit code 3",
    ],
    [
      "org.apache.flink.runtime.client.JobExecutionException: Job execution failed.\n\tat a\nCaused by: java.util.concurrent.ExecutionException: x\n\t... 3 more\nCaused by: java.io.IOException: No space left on device\n\t... 5 more",
      "No space left on device",
    ],
    ["java.lang.OutOfMemoryError: Java heap space", "Java heap space"],
    ["java.lang.NullPointerException", "java.lang.NullPointerException"],
    [
      'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    raise ValueError("odd")\nValueError: odd\n',
      "ValueError: odd",
    ],
    [
      "bundle inst001 stage-001 failed:TypeError: x is not a function\n    at f (a.js:1:1)",
      "TypeError: x is not a function",
    ],
    [
      'Traceback (most recent call last):\n  File "a.py", line 1, in f\ngrpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNAVAILABLE\n\tdetails = "connection refused"\n>',
      "connection refused",
    ],
    ["", ""],
  ])("%j", (text, cause) => {
    expect(rootCause(text)).toBe(cause);
  });
});
