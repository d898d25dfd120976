import { parseArgs } from "node:util";

/** What one call of `npm run fuzz` does. */
export type FuzzRun =
  | { readonly kind: "help" }
  | { readonly kind: "writeSeeds"; readonly corpus: string }
  | { readonly kind: "roundTrips"; readonly seed: number; readonly from: number; readonly roundTrips: number }
  | {
      readonly kind: "mutations";
      readonly seed: number;
      readonly from: number;
      /** Infinity where the time alone ends the run. */
      readonly mutations: number;
      readonly minutes: number | undefined;
      readonly corpus: string;
      readonly findings: string | undefined;
    };

/** A call that cannot be meant: one sentence that says why. */
export class FuzzUsageError extends Error {}

const defaultMutations = 100_000;
const defaultCorpus = "test/fuzz/corpus";

export const fuzzHelp = `Usage: npm run fuzz -- [options]

Alters snapshots at random and reads them, or encodes and decodes random values. The report is JSON on stdout, progress goes to stderr.

  --mutations N   How many altered snapshots. Default: ${defaultMutations}, or with --minutes as many as there is time for.
  --minutes N     Ends after this time in minutes, parts of one too. Default: no limit.
  --corpus DIR    The snapshots (*.idbsnap) to alter. Default: ${defaultCorpus}.
  --findings DIR  Where altered snapshots that cause a fault are kept. Default: nowhere.
  --roundTrips N  Random values instead of altered snapshots, this many. Default: none.
  --seed N        Seed of the random numbers: the same seed and number give the same input. Default: 1.
  --from N        Number of the first input; a finding is repeated by starting at its number. Default: 0.
  --writeSeeds    Only writes the snapshots to alter into the corpus. Default: off.
  --help          Shows this text.

Example, an hour, and then one finding of it again:
  npm run fuzz -- --minutes 60 --seed 7 --findings out/fuzz
  npm run fuzz -- --seed 7 --from 81234 --mutations 1

Exit code: 0 without findings, 1 with findings, 2 for a call that cannot be meant.
`;

const options = {
  mutations: { type: "string" },
  minutes: { type: "string" },
  corpus: { type: "string" },
  findings: { type: "string" },
  roundTrips: { type: "string" },
  seed: { type: "string" },
  from: { type: "string" },
  writeSeeds: { type: "boolean" },
  help: { type: "boolean" },
} as const;
type Name = keyof typeof options;

/** Options that go with round trips, and with writing seeds. */
const togetherWith: Readonly<Partial<Record<Name, readonly Name[]>>> = {
  roundTrips: ["seed", "from"],
  writeSeeds: ["corpus"],
};

/** @throws FuzzUsageError for an unknown option, a value that is missing or no such number, options that do not go together. */
export function readFuzzRun(args: readonly string[]): FuzzRun {
  const given = givenOptions(args);
  if (given.has("help")) return { kind: "help" };
  for (const [name, others] of Object.entries(togetherWith) as [Name, readonly Name[]][]) {
    const stray = [...given.keys()].find((other) => other !== name && !others.includes(other));
    if (given.has(name) && stray) throw new FuzzUsageError(`--${stray} does not go with --${name}.`);
  }
  const corpus = given.get("corpus") ?? defaultCorpus;
  if (given.has("writeSeeds")) return { kind: "writeSeeds", corpus };
  const seed = wholeNumber(given, "seed", 0) ?? 1;
  const from = wholeNumber(given, "from", 0) ?? 0;
  const roundTrips = wholeNumber(given, "roundTrips", 1);
  if (roundTrips !== undefined) return { kind: "roundTrips", seed, from, roundTrips };
  const minutes = minutesOf(given);
  const mutations =
    wholeNumber(given, "mutations", 1) ?? (minutes === undefined ? defaultMutations : Infinity);
  return { kind: "mutations", seed, from, mutations, minutes, corpus, findings: given.get("findings") };
}

/** The options and their values as text, "" for one without value. */
function givenOptions(args: readonly string[]): ReadonlyMap<Name, string> {
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<Name, string>();
  for (const token of tokens) {
    if (token.kind === "positional") throw new FuzzUsageError(`"${token.value}" is no option.`);
    if (token.kind !== "option") continue;
    if (!Object.hasOwn(options, token.name)) throw new FuzzUsageError(`There is no option ${token.rawName}.`);
    const name = token.name as Name;
    if (options[name].type === "string" && !token.value)
      throw new FuzzUsageError(`${token.rawName} needs a value.`);
    if (options[name].type === "boolean" && token.value !== undefined)
      throw new FuzzUsageError(`${token.rawName} takes no value.`);
    given.set(name, token.value ?? "");
  }
  return given;
}

function wholeNumber(given: ReadonlyMap<Name, string>, name: Name, least: number): number | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new FuzzUsageError(`--${name} must be a whole number from ${least}, not "${text}".`);
}

function minutesOf(given: ReadonlyMap<Name, string>): number | undefined {
  const text = given.get("minutes");
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && Number.isFinite(value) && value > 0) return value;
  throw new FuzzUsageError(`--minutes must be a number over 0, not "${text}".`);
}
