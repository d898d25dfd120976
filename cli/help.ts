import type { Command, Option } from "./command.js";

const width = 92;

export function commandHelp(command: Command): string {
  return [
    `Usage: beam-indexeddb ${command.name} ${command.argumentsText}`.trimEnd(),
    "",
    wrap(command.summary, 0),
    ...(command.details === undefined ? [] : ["", command.details]),
    "",
    "Options:",
    optionTable(command.options),
    "",
  ].join("\n");
}

export function generalHelp(commands: readonly Command[]): string {
  const longest = Math.max(...commands.map(({ name }) => name.length));
  return [
    "Usage: beam-indexeddb <command> [options]",
    "",
    "Moves IndexedDB databases through Apache Beam pipelines: see https://beam.apache.org for Beam.",
    "",
    "Commands:",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(longest)}  ${hang(summary, longest + 4)}`),
    "",
    "Exit codes: 0 done; 1 the data or the pipeline failed; 2 the call was wrong; 3 recovered with losses; 130 interrupted; 143 terminated.",
    "beam-indexeddb <command> --help tells more.",
    "",
  ].join("\n");
}

export function optionTable(options: readonly Option[]): string {
  const rows = options.map((option) => ({ left: optionText(option), option }));
  const longest = Math.max(...rows.map(({ left }) => left.length));
  return rows
    .map(({ left, option }) => {
      const text =
        option.defaultText === undefined ? option.help : `${option.help} Default: ${option.defaultText}.`;
      return `  ${left.padEnd(longest)}  ${hang(text, longest + 4)}`;
    })
    .join("\n");
}

function optionText({ name, short, kind, value }: Option): string {
  const shown = kind === "flag" ? "" : `=${value ?? (kind === "number" ? "N" : "TEXT")}`;
  return `${short === undefined ? "" : `-${short}, `}--${name}${shown}`;
}

function wrap(text: string, indent: number): string {
  return hang(text, indent);
}

/** Breaks a text at words; every line but the first is indented. */
function hang(text: string, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width - indent) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.join(`\n${" ".repeat(indent)}`);
}
