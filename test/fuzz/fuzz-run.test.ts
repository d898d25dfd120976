import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fuzzHelp, FuzzUsageError, readFuzzRun } from "./fuzz-run.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const fuzz = (...args: string[]) =>
  spawnSync(process.execPath, ["scripts/fuzz.mjs", ...args], { cwd: root, encoding: "utf8" });

const mutations = {
  kind: "mutations",
  seed: 1,
  from: 0,
  mutations: 100_000,
  minutes: undefined,
  corpus: "test/fuzz/corpus",
  findings: undefined,
};

test.each<[args: string, run: object]>([
  ["", mutations],
  ["--mutations 5 --seed 0 --from 7", { ...mutations, mutations: 5, seed: 0, from: 7 }],
  ["--minutes 0.5", { ...mutations, mutations: Infinity, minutes: 0.5 }],
  ["--minutes=60 --mutations=9", { ...mutations, mutations: 9, minutes: 60 }],
  ["--corpus a --findings b", { ...mutations, corpus: "a", findings: "b" }],
  ["--roundTrips 3 --seed 2", { kind: "roundTrips", seed: 2, from: 0, roundTrips: 3 }],
  ["--writeSeeds --corpus a", { kind: "writeSeeds", corpus: "a" }],
  ["--seed 2 --help", { kind: "help" }],
])("%s is understood", (args, run) => {
  expect(readFuzzRun(args.split(" ").filter(Boolean))).toEqual(run);
});

test.each([
  ["--mutation 5", "There is no option --mutation."],
  ["-m 5", "There is no option -m."],
  ["--toString", "There is no option --toString."],
  ["5", '"5" is no option.'],
  ["--seed", "--seed needs a value."],
  ["--corpus=", "--corpus needs a value."],
  ["--writeSeeds=yes", "--writeSeeds takes no value."],
  ["--mutations many", '--mutations must be a whole number from 1, not "many".'],
  ["--mutations 0", '--mutations must be a whole number from 1, not "0".'],
  ["--mutations 1e5", '--mutations must be a whole number from 1, not "1e5".'],
  ["--seed -1", '--seed must be a whole number from 0, not "-1".'],
  ["--from 9007199254740993", '--from must be a whole number from 0, not "9007199254740993".'],
  ["--roundTrips 2.5", '--roundTrips must be a whole number from 1, not "2.5".'],
  ["--minutes 0", '--minutes must be a number over 0, not "0".'],
  ["--minutes Infinity", '--minutes must be a number over 0, not "Infinity".'],
  ["--roundTrips 3 --minutes 1", "--minutes does not go with --roundTrips."],
  ["--writeSeeds --seed 1", "--seed does not go with --writeSeeds."],
])("%s is refused in one sentence", (args, message) => {
  expect(() => readFuzzRun(args.split(" "))).toThrow(new FuzzUsageError(message));
});

test("--help lists every option, and nothing is run", () => {
  const { status, stdout, stderr } = fuzz("--help");
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: fuzzHelp, stderr: "" });
  for (const name of [
    "mutations",
    "minutes",
    "corpus",
    "findings",
    "roundTrips",
    "seed",
    "from",
    "writeSeeds",
  ])
    expect(stdout).toMatch(new RegExp(`^ {2}--${name}\\b.*Default: `, "m"));
});

test.each([
  ["--mutation", "There is no option --mutation. See npm run fuzz -- --help.\n"],
  [
    "--corpus=no/such/folder",
    'There are no snapshots (*.idbsnap) in "no/such/folder". See npm run fuzz -- --help.\n',
  ],
])("%s ends with exit code 2 and no stack", (option, message) => {
  const { status, stdout, stderr } = fuzz(option);
  expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: "", stderr: message });
});
