import { encodeKeyRange } from "../snapshot/key-range.js";
import type { RecordSelection } from "./record-selection.js";

/** Misuse is found before any work begins: each of these throws a TypeError that names the caller and the option. */
export function checkFunctions(caller: string, options: Readonly<Record<string, unknown>>): void {
  for (const [name, option] of Object.entries(options)) {
    if (option !== undefined && typeof option !== "function")
      throw new TypeError(`${caller}: ${name} must be a function.`);
  }
}

/** A misspelt option must not be passed over: without its `filter` an export would hold what was to be left out. */
export function checkNames(caller: string, options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!names.includes(name))
      throw new TypeError(`${caller}: no option "${name}" among ${names.join(", ")}.`);
  }
}

/** A misspelt choice must not pass for the default, or for the opposite of what was meant. */
export function checkChoice(
  caller: string,
  name: string,
  option: unknown,
  choices: readonly (string | undefined)[],
): void {
  if (option !== undefined && !choices.includes(option as string))
    throw new TypeError(`${caller}: ${name} must be one of ${choices.join(", ")}.`);
}

/** @throws TypeError for an empty range; SnapshotError SNAPSHOT_KEY_INVALID for a bound that is no key. */
export function checkKeyRanges({ keyRanges }: RecordSelection): void {
  for (const range of Object.values(keyRanges ?? {})) if (range) encodeKeyRange(range);
}

export const unportablePolicies = ["fail", "placeholder", "skip"] as const;
