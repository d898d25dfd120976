import { expect, test } from "vitest";
import { jobFailed } from "../../../runners/portable/job-error.js";
import { whenFree } from "../../../runners/portable/when-free.js";

/** As Beam's job server for Spark says it. */
const occupied = jobFailed([
  "org.apache.spark.SparkException: Only one SparkContext should be running in this JVM (see SPARK-2243).The currently running SparkContext was created at:\norg.apache.spark.api.java.JavaSparkContext.<init>(JavaSparkContext.scala:58)",
]);

test("a job that came too soon is run again until the runner is free", async () => {
  let runs = 0;
  const result = await whenFree(
    () => (++runs < 3 ? Promise.reject(occupied) : Promise.resolve("done")),
    undefined,
  );
  expect([result, runs]).toEqual(["done", 3]);
});

test("a job that failed is not run again", async () => {
  let runs = 0;
  const failed = jobFailed(["java.lang.RuntimeException: no disk"]);
  const run = whenFree(() => {
    runs++;
    return Promise.reject(failed);
  }, undefined);
  await expect(run).rejects.toBe(failed);
  expect(runs).toBe(1);
});

test("a signal ends the wait", async () => {
  const abort = new AbortController();
  let runs = 0;
  const run = whenFree(() => {
    runs++;
    abort.abort();
    return Promise.reject(occupied);
  }, abort.signal);
  await expect(run).rejects.toBe(occupied);
  expect(runs).toBe(1);
});
