import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { prismWorkerFailure } from "../../../runners/service/prism-worker-failure.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const entry = (headline: string, ...causes: string[]): string[] => [
  `[2026-11-24T17:08:50.892143952Z]  ERROR  ${headline}`,
  "E error: ",
  ...causes.map((text, i) => `    ${i}: ${text}`),
  "  envID: jsEnvironment",
  "",
];

/** What the log came to, a long time after it. */
async function told(lines: readonly string[]): Promise<unknown> {
  const { failure, read } = prismWorkerFailure();
  for (const line of lines) read(line);
  const none = new Promise((resolve) => setTimeout(resolve, 60_000));
  await vi.advanceTimersByTimeAsync(0);
  const result = Promise.race([failure.catch((error: unknown) => error), none]);
  await vi.advanceTimersByTimeAsync(60_000);
  return result;
}

test("a program that can't be started is told with Prism's reason", async () => {
  const lines = entry("process failed to start", "fork/exec /no/boot", "no such file or directory");
  expect(await told(lines)).toMatchObject({
    code: "RUNNER_WORKER_DIED",
    message: expect.stringMatching(
      /^Prism could not start .*: fork\/exec \/no\/boot: no such file or directory\. /,
    ),
  });
});

test("a program that ends by itself is told with its exit code", async () => {
  expect(await told(entry("process failed while running", "exit status 3"))).toMatchObject({
    code: "RUNNER_WORKER_DIED",
    message: expect.stringMatching(/^The boot program of a worker ended with exit status 3 /),
  });
});

test("so are entries without an empty line between them", async () => {
  const both = [
    ...entry("process failed while running", "signal: killed"),
    ...entry("process failed while running", "exit status 1"),
  ];
  expect(await told(both.filter((line) => line !== "").concat(""))).toMatchObject({
    code: "RUNNER_WORKER_DIED",
  });
});

test.each([
  ["a process that Prism ended at the end of a job", entry("process failed while running", "signal: killed")],
  ["another failure", entry("Bundle Failed.", "exit status 1")],
  ["what a step printed", ["process failed to start a fire", "    0: exit status 1", ""]],
])("%s is none", async (_what, lines) => {
  expect(await told(lines)).toBe(undefined);
});
