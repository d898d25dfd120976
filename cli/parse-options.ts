import { parseArgs } from "node:util";
import { type Option, type ParsedOptions, UsageError } from "./command.js";

/**
 * Arguments and options of a command line. Beam's spelling is taken: `--name=value`, `--name value`, and `--list=a,b`.
 * @throws UsageError that names the valid options
 */
export function parseOptions(
  args: readonly string[],
  options: readonly Option[],
): { arguments: string[]; options: ParsedOptions } {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      options.map(({ name, kind, short }) => [
        name,
        {
          type: kind === "flag" ? ("boolean" as const) : ("string" as const),
          ...(short === undefined ? {} : { short }),
        },
      ]),
    ),
  });
  const values: Record<string, ParsedOptions[string]> = {};
  const rest: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") rest.push(token.value);
    if (token.kind !== "option") continue;
    const option = options.find(({ name }) => name === token.name);
    if (!option) throw new UsageError(unknownOption(token.rawName, options));
    values[option.name] = valueOf(option, token.value, values[option.name]);
  }
  return { arguments: rest, options: values };
}

function valueOf(
  option: Option,
  text: string | undefined,
  before: ParsedOptions[string],
): ParsedOptions[string] {
  if (option.kind === "flag") {
    if (text === undefined || text === "true") return true;
    if (text === "false") return false;
    throw new UsageError(`--${option.name} takes no value.`);
  }
  if (text === undefined || text === "")
    throw new UsageError(`--${option.name} needs a value: --${option.name}=${option.value ?? "VALUE"}.`);
  if (option.kind === "text") return text;
  if (option.kind === "list")
    return [
      ...((before as readonly string[] | undefined) ?? []),
      ...text.split(",").filter((part) => part !== ""),
    ];
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new UsageError(`--${option.name} needs a whole number, not ${JSON.stringify(text)}.`);
  return number;
}

function unknownOption(raw: string, options: readonly Option[]): string {
  const name = raw.replace(/^-+/, "");
  const near = closest(
    name,
    options.map((option) => option.name),
  );
  const hint = near === undefined ? "" : ` Did you mean --${near}?`;
  return `There is no option ${raw}.${hint} Options are: ${options.map((option) => `--${option.name}`).join(", ")}.`;
}

/** The candidate that a typing mistake most likely meant. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
