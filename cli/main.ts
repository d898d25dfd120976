import { packageVersion } from "../snapshot/index.js";
import { type Command, exitCodes, helpOption, type Terminal, UsageError } from "./command.js";
import { bootCommand } from "./commands/boot.js";
import { catCommand } from "./commands/cat.js";
import { convertCommand } from "./commands/convert.js";
import { inspectCommand } from "./commands/inspect.js";
import { jobCommand } from "./commands/job.js";
import { recoverCommand } from "./commands/recover.js";
import { runCommand } from "./commands/run.js";
import { verifyCommand } from "./commands/verify.js";
import { workerPoolCommand } from "./commands/worker-pool.js";
import { commandHelp, generalHelp } from "./help.js";
import { closest, parseOptions } from "./parse-options.js";
import { report } from "./report.js";

export const commands: readonly Command[] = [
  runCommand,
  inspectCommand,
  catCommand,
  verifyCommand,
  recoverCommand,
  convertCommand,
  jobCommand,
  workerPoolCommand,
  bootCommand,
];

/** Commands that parse their arguments themselves. */
const parsingThemselves: readonly Command[] = [runCommand, bootCommand];

/** Runs a command line and resolves to its exit code. Every error is one sentence; only faults in this program show a stack. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const wantsJson = args.includes("--json");
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      await terminal.out(generalHelp(commands));
      return name === undefined ? exitCodes.usage : exitCodes.ok;
    }
    if (name === "--version" || name === "-v") {
      await terminal.out(`${packageVersion}\n`);
      return exitCodes.ok;
    }
    const command = commands.find((one) => one.name === name);
    if (!command) throw new UsageError(unknownCommand(name));
    const options = [...command.options, helpOption];
    if (rest.includes("--help") || rest.includes("-h")) {
      if (command === runCommand)
        return await command.run({
          arguments: rest.filter((arg) => !arg.startsWith("-")),
          options: { help: true },
          terminal,
        });
      await terminal.out(commandHelp({ ...command, options }));
      return exitCodes.ok;
    }
    if (parsingThemselves.includes(command))
      return await command.run({ arguments: rest, options: {}, terminal });
    const parsed = parseOptions(rest, options);
    return await command.run({ ...parsed, terminal });
  } catch (error) {
    return report(error, wantsJson, terminal);
  }
}

function unknownCommand(name: string): string {
  const names = commands.map((command) => command.name);
  const near = closest(name, names);
  return `There is no command ${JSON.stringify(name)}.${near === undefined ? "" : ` Did you mean ${near}?`} Commands are: ${names.join(", ")}.`;
}
