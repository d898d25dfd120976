import { describe, expect, test } from "vitest";
import { bootFlags } from "../../../runners/boot/boot-flags.js";

const plain = { id: "w", provisionEndpoint: "h:1" };

describe("the flags of the container contract", () => {
  test.each([
    [["--id=w", "--provision_endpoint=h:1"], plain],
    [["--id", "w", "--provision_endpoint", "h:1"], plain],
    [["-id=w", "-provision_endpoint", "h:1"], plain],
    [["--id='w'", '--provision_endpoint="h:1"'], plain],
    [["--id", "'job-1[a b]_env'", "--provision_endpoint=h:1"], { ...plain, id: "job-1[a b]_env" }],
    [["--id=w=x", "--provision_endpoint=h:1"], { ...plain, id: "w=x" }],
    [["--future", "--id=w", "--provision_endpoint=h:1", "surplus"], plain],
    [["--id=w", "--provision_endpoint=h:1", "--control_endpoint=c:2"], { ...plain, controlEndpoint: "c:2" }],
    [
      ["--id=w", "--provision_endpoint=h:1", "--logging_endpoint=l:3", "--artifact_endpoint=a:4"],
      { ...plain, loggingEndpoint: "l:3", artifactEndpoint: "a:4" },
    ],
    [
      ["--id=w", "--provision_endpoint=h:1", "--semi_persist_dir", "/x y"],
      { ...plain, semiPersistDir: "/x y" },
    ],
  ])("%j", (args, expected) => {
    expect(bootFlags(args)).toMatchObject(expected);
  });

  test.each([
    [[], /--id is missing/],
    [["--id="], /--id is missing/],
    [["--id", "--provision_endpoint=h:1"], /--id is missing/],
    [["--id=w"], /--provision_endpoint is missing/],
    [["--id=a\nb", "--provision_endpoint=h:1"], /not the id of a worker/],
    [[`--id=${"x".repeat(2000)}`, "--provision_endpoint=h:1"], /not the id of a worker/],
  ])("%j is refused", (args, message) => {
    expect(() => bootFlags(args)).toThrow(
      expect.objectContaining({ code: "RUNNER_BOOT_FAILED", message: expect.stringMatching(message) }),
    );
  });
});
