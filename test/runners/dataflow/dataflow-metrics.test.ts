import { expect, test } from "vitest";
import { metricsOfUsers } from "../../../runners/dataflow/dataflow-metrics.js";

const user = (name: string, value: object, context: Record<string, string> = { step: "s1" }) => ({
  name: { origin: "user", name, context },
  ...value,
});

test("sums counters and distributions over steps", () => {
  expect(
    metricsOfUsers([
      user("read", { scalar: 3 }),
      user("read", { scalar: "4" }, { step: "s2" }),
      user("size", { distribution: { count: 2, sum: 10, min: 4, max: 6, mean: 5 } }),
      user("size", { distribution: { count: "1", sum: "20", min: "20", max: "20" } }, { step: "s2" }),
    ]),
  ).toEqual({ counters: { read: 7 }, distributions: { size: { count: 3, sum: 30, min: 4, max: 20 } } });
});

test("leaves out what is tentative, the service's own, and what is no number", () => {
  expect(
    metricsOfUsers([
      user("read", { scalar: 3 }),
      user("read", { scalar: 5 }, { step: "s1", tentative: "true" }),
      { name: { origin: "dataflow/v1b3", name: "ElementCount" }, scalar: 9 },
      user("text", { scalar: "many" }),
      user("half", { distribution: { count: 1 } }),
      { scalar: 1 },
      {},
    ]),
  ).toEqual({ counters: { read: 3 }, distributions: {} });
});

test("keeps a user's counter that is named like a number of a distribution, and no such number", () => {
  const size = { distribution: { count: 1, sum: 7, min: 7, max: 7 } };
  expect(
    metricsOfUsers([
      user("size", size),
      user("size_COUNT", { scalar: 1 }),
      user("size_MAX", { scalar: 7 }),
      user("size_COUNT", { scalar: 5 }, { step: "s2" }),
      user("errors_COUNT", { scalar: 2 }),
    ]).counters,
  ).toEqual({ size_COUNT: 5, errors_COUNT: 2 });
});

test("an untouched distribution changes no minimum", () => {
  const empty = { distribution: { count: 0, sum: 0, min: 0, max: 0 } };
  const one = { distribution: { count: 1, sum: 7, min: 7, max: 7 } };
  for (const list of [
    [empty, one],
    [one, empty],
  ])
    expect(
      metricsOfUsers(list.map((value, i) => user("size", value, { step: `s${i}` }))).distributions.size,
    ).toEqual(one.distribution);
});

test("takes names of every kind", () => {
  expect(Object.keys(metricsOfUsers([user("__proto__", { scalar: 1 })]).counters)).toEqual(["__proto__"]);
});
